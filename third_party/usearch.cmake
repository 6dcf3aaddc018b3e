# triune_usearch: the headers of usearch with the SIMD kernels of NumKong compiled in. Which instruction sets the compiler
# knows is probed here; which of them the processor has is decided at run time, so one binary runs everywhere.
set(USEARCH_DIRECTORY ${TRIUNE_PACKAGES}/usearch-2.26.2)
set(NUMKONG_DIRECTORY ${USEARCH_DIRECTORY}/numkong)

# NAME PROBE FLAGS: the name of NumKong's target macro, the probe's source and what it must be compiled with.
set(NUMKONG_PROBES
  "HASWELL x86_haswell -mavx2 -mfma -mf16c"
  "SKYLAKE x86_skylake -mavx512f -mavx512bw -mavx512dq -mavx512vl"
  "ICELAKE x86_icelake -mavx512vnni -mavx512vl"
  "GENOA x86_genoa -mavx512bf16 -mavx512vl"
  "SAPPHIRE x86_sapphire -mavx512fp16 -mavx512vl"
  "TURIN x86_turin -mavx512vp2intersect"
  "ALDER x86_alder -mavxvnni"
  "NEON arm_neon -march=armv8-a+simd"
  "NEONHALF arm_neon_half -march=armv8.2-a+simd+fp16"
  "NEONSDOT arm_neon_sdot -march=armv8.2-a+dotprod"
  "NEONBFDOT arm_neon_bfdot -march=armv8.6-a+simd+bf16"
  "NEONFHM arm_neon_fhm -march=armv8.2-a+simd+fp16+fp16fml"
  "SVE arm_sve -march=armv8.2-a+sve"
  "SVEHALF arm_sve_half -march=armv8.2-a+sve+fp16"
  "SVEBFDOT arm_sve_bfdot -march=armv8.2-a+sve+bf16")

function(triune_probe_numkong)
  if(NOT DEFINED TRIUNE_NUMKONG_TARGETS)
    set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
    set(known "")
    foreach(probe IN LISTS NUMKONG_PROBES)
      string(REPLACE " " ";" words "${probe}")
      list(POP_FRONT words name source)
      try_compile(works ${CMAKE_BINARY_DIR}/numkong_probes ${NUMKONG_DIRECTORY}/probes/${source}.c
        COMPILE_DEFINITIONS ${words})
      if(works)
        list(APPEND known ${name})
      endif()
      unset(works CACHE)
    endforeach()
    set(TRIUNE_NUMKONG_TARGETS "${known}" CACHE INTERNAL "instruction sets the compiler knows")
    message(STATUS "NumKong kernels for: ${known}")
  endif()
  set(header "// Written by third_party/usearch.cmake.\n")
  foreach(probe IN LISTS NUMKONG_PROBES)
    string(REGEX REPLACE " .*" "" name "${probe}")
    list(FIND TRIUNE_NUMKONG_TARGETS ${name} found)
    if(found EQUAL -1)
      string(APPEND header "#define NK_TARGET_${name} 0\n")
    else()
      string(APPEND header "#define NK_TARGET_${name} 1\n")
    endif()
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/numkong/nk_probes.h CONTENT "${header}" @ONLY)
endfunction()
triune_probe_numkong()

set(NUMKONG_SOURCES numkong)
foreach(type IN ITEMS f64 f32 f16 bf16 i8 u8 u1 e4m3 e5m2 other f64c f32c f16c bf16c i16 i32 i64 u16 u32 u64 i4 u4 e2m3 e3m2)
  list(APPEND NUMKONG_SOURCES dispatch_${type})
endforeach()
list(TRANSFORM NUMKONG_SOURCES REPLACE "(.+)" "${NUMKONG_DIRECTORY}/c/\\1.c")

add_library(numkong STATIC ${NUMKONG_SOURCES})
set_target_properties(numkong PROPERTIES C_STANDARD 11)
target_include_directories(numkong SYSTEM PUBLIC ${NUMKONG_DIRECTORY}/include)
target_compile_definitions(numkong PUBLIC NK_DYNAMIC_DISPATCH=1 PRIVATE NK_NATIVE_F16=0 NK_NATIVE_BF16=0)
# Always optimised and never instrumented: a kernel is nothing without its registers, and sanitizers find nothing in it.
target_compile_options(numkong PRIVATE -O3 -g0 -w -fno-sanitize=all
  -include ${CMAKE_CURRENT_BINARY_DIR}/numkong/nk_probes.h)

add_library(triune_usearch INTERFACE)
target_include_directories(triune_usearch SYSTEM INTERFACE ${USEARCH_DIRECTORY}/include)
target_link_libraries(triune_usearch INTERFACE numkong)
