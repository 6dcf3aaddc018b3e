# Target `kuzu`: the embedded graph database, version 0.11.3.
#
# Its npm package carries the C++ headers and a prebuilt Node.js add-on that exports the C++ API; linking that takes no
# time. Where the add-on cannot be loaded (another architecture, an older C library) or when asked by
# -DTRIUNE_KUZU_FROM_SOURCE=ON, kuzu_source.cmake compiles the package's source once, into the cache.
set(KUZU_PACKAGE ${TRIUNE_PACKAGES}/kuzu-0.11.3)
set(KUZU_SOURCE ${KUZU_PACKAGE}/kuzu-source)
if(NOT EXISTS ${KUZU_SOURCE}/src/include/main/kuzu.h)
  message(FATAL_ERROR "Kuzu 0.11.3 is not in ${TRIUNE_PACKAGES}; run tools/fetch_packages first")
endif()

# Debian's names for the architectures, and the package's.
set(KUZU_PREBUILT)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64)$")
  set(KUZU_PREBUILT ${KUZU_PACKAGE}/prebuilt/kuzujs-linux-x64.node)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(KUZU_PREBUILT ${KUZU_PACKAGE}/prebuilt/kuzujs-linux-arm64.node)
endif()

# Whether this machine's loader accepts the add-on; asked once for each build folder.
function(kuzu_prebuilt_loads result)
  if(NOT DEFINED TRIUNE_KUZU_PREBUILT_LOADS)
    if(KUZU_PREBUILT AND EXISTS ${KUZU_PREBUILT})
      try_run(ran compiled ${CMAKE_BINARY_DIR}/CMakeFiles/kuzu_probe
        SOURCES ${PROJECT_SOURCE_DIR}/third_party/kuzu_probe.c ${PROJECT_SOURCE_DIR}/third_party/kuzu_napi_symbols.c
        LINK_OPTIONS -rdynamic LINK_LIBRARIES ${CMAKE_DL_LIBS}
        RUN_OUTPUT_VARIABLE output
        ARGS ${KUZU_PREBUILT})
      if(compiled AND ran EQUAL 0)
        set(loads ON)
      else()
        set(loads OFF)
        message(STATUS "Kuzu's prebuilt object does not load here: ${output}")
      endif()
    else()
      set(loads OFF)
    endif()
    set(TRIUNE_KUZU_PREBUILT_LOADS ${loads} CACHE INTERNAL "whether Kuzu's prebuilt object loads on this machine")
  endif()
  set(${result} ${TRIUNE_KUZU_PREBUILT_LOADS} PARENT_SCOPE)
endfunction()

kuzu_prebuilt_loads(KUZU_LOADS)
if(KUZU_LOADS)
  set(KUZU_FROM_SOURCE_DEFAULT OFF)
else()
  set(KUZU_FROM_SOURCE_DEFAULT ON)
endif()
option(TRIUNE_KUZU_FROM_SOURCE "compile Kuzu instead of linking its prebuilt object (slow, once)"
  ${KUZU_FROM_SOURCE_DEFAULT})

# What Kuzu's build configures; the values are those of the prebuilt object.
set(KUZU_DEFAULT_REL_STORAGE_DIRECTION BOTH_REL_STORAGE)
set(KUZU_PAGE_SIZE_LOG2 12)
set(KUZU_VECTOR_CAPACITY_LOG2 11)
set(KUZU_NODE_GROUP_SIZE_LOG2 17)
set(KUZU_GENERATED ${CMAKE_BINARY_DIR}/kuzu_generated)
configure_file(${KUZU_SOURCE}/cmake/templates/system_config.h.in ${KUZU_GENERATED}/common/system_config.h @ONLY)

set(KUZU_LIBRARIES_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
file(MAKE_DIRECTORY ${KUZU_LIBRARIES_DIRECTORY})
add_library(kuzu INTERFACE)
# Its headers of the storage name those of the libraries that it bundles.
target_include_directories(kuzu SYSTEM INTERFACE ${KUZU_SOURCE}/src/include ${KUZU_GENERATED}
  ${KUZU_SOURCE}/third_party/alp/include ${KUZU_SOURCE}/third_party/roaring_bitmap
  ${KUZU_SOURCE}/third_party/utf8proc/include)
target_compile_definitions(kuzu INTERFACE __64BIT__)

if(TRIUNE_KUZU_FROM_SOURCE)
  include(${CMAKE_CURRENT_LIST_DIR}/kuzu_source.cmake)
else()
  # The loader looks for the name inside the object (its SONAME).
  configure_file(${KUZU_PREBUILT} ${KUZU_LIBRARIES_DIRECTORY}/kuzujs.node COPYONLY)
  # A library of its own rather than objects in every program: the loader then finds the symbols in any process.
  add_library(kuzu_napi_symbols SHARED ${CMAKE_CURRENT_LIST_DIR}/kuzu_napi_symbols.c)
  set_target_properties(kuzu_napi_symbols PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${KUZU_LIBRARIES_DIRECTORY})
  add_library(kuzu_prebuilt SHARED IMPORTED GLOBAL)
  set_target_properties(kuzu_prebuilt PROPERTIES
    IMPORTED_LOCATION ${KUZU_LIBRARIES_DIRECTORY}/kuzujs.node IMPORTED_SONAME kuzujs.node)
  target_link_libraries(kuzu INTERFACE "-Wl,--push-state,--no-as-needed" kuzu_prebuilt kuzu_napi_symbols
    "-Wl,--pop-state" ${CMAKE_DL_LIBS})
endif()
