"""Write manual pages and shell completion, from the options of every verb."""

import argparse
import importlib
import re
import subprocess
from pathlib import Path
from typing import NamedTuple, NoReturn, Optional, Sequence

from growbench import cli
from growbench.command_line import entry, packages
from growbench.data import columns, schema, statuses
from growbench.data.version import version

EXAMPLES = """\
  growbench manual --program build/growbench --output build/manual

Into the folder go growbench.1, a page for each verb, growbench-files.5, and the completion of bash
(growbench), zsh (_growbench) and fish (growbench.fish).
"""


class Option(NamedTuple):
    """value: what it takes, "" for nothing; choices: if it has to be one of these."""

    name: str
    value: str
    help: str
    choices: tuple[str, ...] = ()


class Verb(NamedTuple):
    """text: the part of its --help behind the options: examples, and what else there is to say."""

    name: str
    help: str
    positional: str
    options: list[Option]
    text: str


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(__name__, "Write manual pages and shell completion.", EXAMPLES)
    parser.add_argument("--program", default=entry.RUNNER, metavar="FILE", help="of which to write")
    parser.add_argument("--output", required=True, metavar="DIR", help="where to")
    options = parser.parse_args(arguments)
    verbs = sorted(
        [*verbs_of_the_program(options.program), *map(verb_of_python, cli.verbs())],
        key=lambda verb: verb.name,
    )
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    pages = {f"growbench-{verb.name}.1": verb_page(verb) for verb in verbs}
    exit_status = ask(options.program, "--help").partition("Exit status: ")[2]
    pages["growbench.1"] = overview_page(verbs, " ".join(exit_status.split()))
    pages["growbench-files.5"] = files_page()
    pages |= {"growbench": bash(verbs), "_growbench": zsh(verbs), "growbench.fish": fish(verbs)}
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


# ---- what there is ----


def ask(program: str, *words: str) -> str:
    """What it prints."""
    return subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout


def verbs_of_the_program(program: str) -> list[Verb]:
    """Those that the C program does by itself."""
    rows = [line.split("\t") for line in ask(program, "--list-options").splitlines()]
    return [
        Verb(
            name,
            help_text,
            words,
            [Option(row[1], row[2], row[3]) for row in rows if row[0] == name and row[1]],
            "Examples:" + ask(program, name, "--help").partition("\nExamples:")[2],
        )
        for name, option, words, help_text in rows
        if not option
    ]


class _Caught(Exception):
    """A verb's parser, which is all that is wanted of it."""


def _catch(parser: argparse.ArgumentParser, *_: object) -> NoReturn:
    raise _Caught(parser)


def verb_of_python(name: str) -> Verb:
    """A verb of the package, by the parser that it makes."""
    packages.only_help()
    module = importlib.import_module(f"growbench.cli.{name.replace('-', '_')}")
    parser: Optional[argparse.ArgumentParser] = None
    # All ways of parsing lead there.
    usual, entry.Parser.parse_known_args = entry.Parser.parse_known_args, _catch  # type: ignore
    try:
        module.main([])
    except _Caught as caught:
        parser = caught.args[0]
    finally:
        entry.Parser.parse_known_args = usual  # type: ignore
    assert parser is not None, f"{name} has no parser"
    formatter = parser._get_formatter()
    options, positional = [], []
    for action in parser._actions:
        text = formatter._expand_help(action) if action.help else ""
        taken = formatter._format_args(action, _metavar(action))
        if action.option_strings:
            choices = tuple(map(str, action.choices or ()))
            options.append(Option(action.option_strings[-1], taken, text, choices))
        else:
            positional.append(taken)
    summary = (module.__doc__ or "").split("\n", 1)[0].rstrip(".")
    epilog = (parser.epilog or "").replace("examples:", "Examples:", 1)
    return Verb(name, summary, " ".join(positional), options, epilog)


def _metavar(action: argparse.Action) -> str:
    if action.choices and action.metavar is None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or action.dest.upper())


# ---- manual pages: man(7) ----


def roff(text: str) -> str:
    """A text as it is to be read."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def page(name: str, section: int, summary: str, parts: dict[str, str]) -> str:
    """parts: headings with what stands below, in roff."""
    lines = [
        f'.TH {name.upper()} {section} "" "growbench {version()}" "growbench"',
        f".SH NAME\n{roff(name)} \\- {roff(summary)}",
    ]
    lines += [f".SH {heading}\n{text}" for heading, text in parts.items() if text]
    return "\n".join(lines) + "\n"


def listed(items: Sequence[tuple[str, str]]) -> str:
    """Terms, in bold, with what they mean."""
    return "\n".join(f".TP\n.B {roff(term)}\n{roff(text)}" for term, text in items)


def verbatim(text: str) -> str:
    return f".nf\n{roff(text.strip(chr(10)))}\n.fi"


def verb_page(verb: Verb) -> str:
    head, _, rest = verb.text.partition("\n")
    examples, _, remarks = rest.partition("\n\n")
    return page(
        f"growbench-{verb.name}",
        1,
        verb.help,
        {
            "SYNOPSIS": f".B growbench {roff(verb.name)}\n{roff('[OPTION...] ' + verb.positional)}",
            "OPTIONS": listed([(f"{o.name} {o.value}".strip(), o.help) for o in verb.options]),
            "EXAMPLES": verbatim(examples) if head.lower().startswith("examples") else "",
            "REMARKS": roff(remarks.strip()),
            "SEE ALSO": roff("growbench(1), growbench-files(5)"),
        },
    )


ENVIRONMENT = (
    ("PYTHON", "the interpreter of the verbs that are Python's, and of the worker for NumPy"),
    ("NO_COLOR", "no colours, if it is set to something"),
    ("GROWBENCH_PROGRESS", "never: what takes long does not say on standard error how far it is"),
    ("GROWBENCH_TRACEBACK", "a fault of growbench's own shows where it is"),
    ("GROWBENCH_TRACE_WAY", "how system calls are seen: user_dispatch or seccomp"),
)


def overview_page(verbs: Sequence[Verb], exit_status: str) -> str:
    return page(
        "growbench",
        1,
        "what it costs to build an array row by row, in time and peak memory, and why",
        {
            "SYNOPSIS": ".B growbench\n" + roff("VERB [OPTION...]"),
            "DESCRIPTION": roff(
                "growbench builds the same array in many ways, under several allocators and at "
                "several sizes, measures time and peak memory, counts what was allocated and "
                "copied, and says where the time went. A run is a folder in results/; the verbs "
                "that read one take its path, or, if none is given, the newest."
            ),
            "VERBS": listed([(verb.name, verb.help) for verb in verbs]),
            "EXIT STATUS": roff(exit_status),
            "ENVIRONMENT": listed(ENVIRONMENT),
            "SEE ALSO": roff(
                ", ".join(f"growbench-{verb.name}(1)" for verb in verbs) + ", growbench-files(5)"
            ),
        },
    )


def files_page() -> str:
    helps = [
        (row[0], f"{row[1].lower()}; {row[5]}") for row in schema.rows("columns.def", "COLUMN")
    ]
    points = [(column.name, column.type) for column in columns.TIMELINE_COLUMNS]
    return page(
        "growbench-files",
        5,
        "the files of a run",
        {
            "DESCRIPTION": roff(
                "A run's folder has runs.csv (a row for each worker), timeline.csv (memory against "
                "rows appended), machine.json (the machine, the system and what was asked for) and "
                "summary.csv (a row for each cell). CSV as of RFC 4180, UTF-8; a missing value is "
                f"empty. This is version {columns.SCHEMA_VERSION} of the format."
            ),
            "COLUMNS OF runs.csv": listed(helps),
            "STATUSES": listed(list(statuses.STATUSES.items())),
            "COLUMNS OF timeline.csv": listed(points),
            "SEE ALSO": roff("growbench(1), growbench-run(1)"),
        },
    )


# ---- completion ----


def is_path(option: Option) -> bool:
    return bool(re.search(r"DIR|FILE|PATH", option.value))


def bash(verbs: Sequence[Verb]) -> str:
    cases, values = [], []
    for verb in verbs:
        cases.append(f"    {verb.name}) words='{' '.join(o.name for o in verb.options)}' ;;")
        values += [
            f"    {verb.name}:{o.name}) words='{' '.join(o.choices)}' ;;"
            for o in verb.options
            if o.choices
        ]
    names = " ".join(verb.name for verb in verbs)
    return f"""\
# bash completion of growbench; made from its options.
_growbench() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
    local verb=${{COMP_WORDS[1]}} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W '{names} --help --version' -- "$word")
        return
    fi
    case $verb:$before in
{chr(10).join(values)}
    esac
    [ -n "$words" ] || case $verb:$word in
    *:-*) case $verb in
{chr(10).join(cases)}
    esac ;;
    esac
    if [ -n "$words" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}}
complete -o filenames -F _growbench growbench
"""


def quoted(text: str) -> str:
    """For a shell, within single quotes."""
    return text.replace("'", "'\\''")


def zsh(verbs: Sequence[Verb]) -> str:
    def spec(option: Option) -> str:
        help_text = re.sub(r"([\[\]:])", r"\\\1", option.help)
        action = f"({' '.join(option.choices)})" if option.choices else "_files"
        value = f":{option.value.split()[0].strip('[]').lower()}:{action}" if option.value else ""
        return f"            '{quoted(f'{option.name}[{help_text}]{value}')}' \\"

    names = "\n".join(
        "        " + "'" + quoted(verb.name + ":" + verb.help.replace(":", "\\:")) + "'"
        for verb in verbs
    )
    cases = "\n".join(
        f"    {verb.name})\n        _arguments \\\n"
        + "\n".join(map(spec, verb.options))
        + "\n            '*:run:_files'\n        ;;"
        for verb in verbs
    )
    return f"""\
#compdef growbench
# zsh completion of growbench; made from its options.
_growbench() {{
    local -a verbs
    verbs=(
{names}
    )
    if (( CURRENT == 2 )); then
        _describe verb verbs
        return
    fi
    shift words
    (( CURRENT-- ))
    case $words[1] in
{cases}
    esac
}}
_growbench "$@"
"""


def fish(verbs: Sequence[Verb]) -> str:
    lines = ["# fish completion of growbench; made from its options."]
    for verb in verbs:
        lines.append(
            f"complete -c growbench -n __fish_use_subcommand -f -a {verb.name} "
            f"-d '{quoted(verb.help)}'"
        )
        for option in verb.options:
            taken = " -x -a '" + " ".join(option.choices) + "'" if option.choices else ""
            if not taken and option.value:
                taken = " -r" + (" -F" if is_path(option) else "")
            lines.append(
                f"complete -c growbench -n '__fish_seen_subcommand_from {verb.name}' "
                f"-l {option.name.lstrip('-')}{taken} -d '{quoted(option.help)}'"
            )
    return "\n".join(lines) + "\n"
