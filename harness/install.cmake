# Where growbench goes when it is installed, and its Debian package.
#
# It lies as in a checkout with its build (build, scripts, harness/common, results) in a folder of its
# own, in which everything finds everything else as it does there; PREFIX/bin has a link to it.
include(GNUInstallDirs)
set(home lib/growbench)

install(TARGETS ${products}
	RUNTIME DESTINATION ${home}/build LIBRARY DESTINATION ${home}/build)
# The verbs of develop/ are of use in a checkout only.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/scripts/growbench ${CMAKE_SOURCE_DIR}/scripts/workers
	DESTINATION ${home}/scripts PATTERN __pycache__ EXCLUDE REGEX "/develop/[a-z]" EXCLUDE)
install(PROGRAMS ${CMAKE_SOURCE_DIR}/scripts/python_worker.py ${CMAKE_SOURCE_DIR}/scripts/find-python
	DESTINATION ${home}/scripts)
file(GLOB tables ${CMAKE_SOURCE_DIR}/harness/common/*.def)
install(FILES ${tables} DESTINATION ${home}/harness/common)
# What advise answers from before there is a run of one's own.
set(reference results/reference-epyc-2cpu)
foreach(name IN ITEMS runs.csv timeline.csv machine.json)
	install(FILES ${CMAKE_SOURCE_DIR}/${reference}/${name} OPTIONAL
		DESTINATION ${home}/${reference})
endforeach()
file(WRITE ${CMAKE_BINARY_DIR}/VERSION "${PROJECT_VERSION}\n")
install(FILES ${CMAKE_BINARY_DIR}/VERSION DESTINATION ${home})
install(CODE "
	set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
	file(MAKE_DIRECTORY \"\${folder}\")
	file(CREATE_LINK ../${home}/build/growbench \"\${folder}/growbench\" SYMBOLIC)")
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Manual pages and completion, from the options of every verb; `make install` and `make deb` have
# them made.
set(manual ${CMAKE_BINARY_DIR}/manual)
add_custom_target(manual
	COMMAND ${GROWBENCH_PYTHON} -B ${CMAKE_SOURCE_DIR}/scripts/growbench manual
		--program $<TARGET_FILE:growbench> --output ${manual}
	DEPENDS growbench VERBATIM)
foreach(section IN ITEMS 1 5)
	install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} OPTIONAL
		FILES_MATCHING PATTERN "*.${section}")
endforeach()
install(FILES ${manual}/growbench OPTIONAL
	DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${manual}/_growbench OPTIONAL
	DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${manual}/growbench.fish OPTIONAL
	DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_CONTACT "The growbench developers <growbench@localhost>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_DEPENDS "python3 (>= 3.9)")
# Without these it measures, and says what is missing. A name for each release; Scudo is in LLVM's.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3-numpy, python3-pandas, python3-scipy, python3-matplotlib,\
 python3-jinja2, python3-pil, valgrind, libjemalloc2, libmimalloc2.0 | libmimalloc3,\
 libtcmalloc-minimal4 | libtcmalloc-minimal4t64, libtbbmalloc2, libclang-rt-dev | libclang-rt-14-dev")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "weasyprint, perl")
# Python keeps what it has compiled beside the sources: made and removed with the package.
file(WRITE ${CMAKE_BINARY_DIR}/deb/postinst
	"#!/bin/sh\nset -e\n[ \"$1\" != configure ] || py3compile -p growbench /usr/${home}\n")
file(WRITE ${CMAKE_BINARY_DIR}/deb/prerm
	"#!/bin/sh\nset -e\npy3clean -p growbench /usr/${home} || true\nfind /usr/${home} -name __pycache__ -exec rm -rf {} +\n")
foreach(name IN ITEMS postinst prerm)
	file(CHMOD ${CMAKE_BINARY_DIR}/deb/${name} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
		GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
	list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_BINARY_DIR}/deb/${name})
endforeach()
include(CPack)
