"""A run against a baseline that is kept beside the code: did a count become worse?"""
