# Kuzu compiled from the source in its package: once for a compiler, into the cache, as one shared object.
include(ExternalProject)

string(SUBSTRING "${CMAKE_CXX_COMPILER_ID}-${CMAKE_CXX_COMPILER_VERSION}-${CMAKE_SYSTEM_PROCESSOR}" 0 60 KUZU_FLAVOUR)
cmake_path(SET KUZU_BUILT NORMALIZE ${TRIUNE_PACKAGES}/../kuzu-0.11.3-${KUZU_FLAVOUR})
set(KUZU_OBJECT ${KUZU_BUILT}/src/libkuzu.so)

ExternalProject_Add(kuzu_from_source
  SOURCE_DIR ${KUZU_SOURCE}
  BINARY_DIR ${KUZU_BUILT}
  CMAKE_GENERATOR Ninja
  CMAKE_ARGS -DCMAKE_BUILD_TYPE=Release -DCMAKE_PROJECT_Kuzu_INCLUDE=${CMAKE_CURRENT_LIST_DIR}/kuzu_source_settings.cmake
             -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
             -DAUTO_UPDATE_GRAMMAR=OFF -DBUILD_SHELL=OFF -DBUILD_SINGLE_FILE_HEADER=OFF -DPREFER_SYSTEM_DEPS=OFF
  BUILD_COMMAND ${CMAKE_COMMAND} --build . --target kuzu_shared
  INSTALL_COMMAND ""
  BUILD_BYPRODUCTS ${KUZU_OBJECT}
  USES_TERMINAL_BUILD TRUE)

add_library(kuzu_compiled SHARED IMPORTED GLOBAL)
set_target_properties(kuzu_compiled PROPERTIES IMPORTED_LOCATION ${KUZU_OBJECT})
add_dependencies(kuzu_compiled kuzu_from_source)
target_link_libraries(kuzu INTERFACE kuzu_compiled ${CMAKE_DL_LIBS})
