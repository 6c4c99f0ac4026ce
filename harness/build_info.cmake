# Writes build_info.h. "unknown" where there is no git; "+" behind a commit with changes on top.
set(GIT_COMMIT unknown)
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD
		OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
		RESULT_VARIABLE failed ERROR_QUIET)
if(failed EQUAL 0)
	set(GIT_COMMIT ${commit})
	execute_process(COMMAND git -C ${SOURCE} diff --quiet HEAD -- RESULT_VARIABLE changed
			ERROR_QUIET)
	if(NOT changed EQUAL 0)
		string(APPEND GIT_COMMIT "+")
	endif()
endif()
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
