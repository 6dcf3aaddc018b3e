# Two functions, so that every room's CMakeLists.txt reads alike: a room is one library, a test one program.
include(GoogleTest)
find_package(GTest REQUIRED)
find_package(fmt REQUIRED)
find_package(simdjson REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Threads REQUIRED)

# build/bin/triune finds the libraries in build/lib by $ORIGIN, also when the tree is moved.
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)

find_program(CCACHE ccache)
if(CCACHE)
  # Without the build folder's name in the key, every build folder and every clone shares what was compiled.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

# Some eighty programs hold every room: a fast linker saves minutes of each build.
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Eighty programs with debugging information fill 20 GB, without it one: the preset `debug` has it.
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

if(TRIUNE_SANITIZER)
  # Assertions stay in, and call stacks readable. In instrumented code g++ 12 sees uninitialised uses that are none.
  add_compile_options(-Wno-maybe-uninitialized)
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g")
endif()
if(TRIUNE_SANITIZER STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(TRIUNE_SANITIZER STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()

add_library(triune_options INTERFACE)
target_compile_options(triune_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers -Werror -Wno-error=deprecated-declarations)
target_include_directories(triune_options INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(triune_options INTERFACE Threads::Threads)

# triune_room(NAME SOURCES … DEPENDS … [PRIVATE_DEPENDS …])
# PRIVATE_DEPENDS are third-party libraries that no header of the room shows.
function(triune_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(triune_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(triune_${name} PUBLIC triune_options ${ROOM_DEPENDS} PRIVATE ${ROOM_PRIVATE_DEPENDS})
endfunction()

# triune_test(NAME SOURCES … DEPENDS … [LABELS …] [TIMEOUT seconds] [BOTH_STORES])
# BOTH_STORES: the program runs twice, on SQLite and as NAME_postgres on a PostgreSQL that it starts itself.
function(triune_test name)
  cmake_parse_arguments(TEST "BOTH_STORES" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE triune_options ${TEST_DEPENDS} GTest::gtest GTest::gtest_main fmt::fmt)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  # One ctest entry for a program: cases share its start-up, and a crash still names the program.
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS "${TEST_LABELS}")
  if(TEST_BOTH_STORES)
    add_test(NAME ${name}_postgres COMMAND ${name})
    set_tests_properties(${name}_postgres PROPERTIES
      TIMEOUT ${TEST_TIMEOUT} LABELS "${TEST_LABELS}" ENVIRONMENT TRIUNE_TEST_STORE=postgres)
  endif()
endfunction()
