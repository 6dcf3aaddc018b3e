# Read by Kuzu's own build right after its project(): what we need otherwise than its authors.
#
# - The adapter uses classes that are not marked for export, so nothing is hidden, as in the prebuilt object.
# - Sources are compiled in batches, in a third of the time; folders whose files have helpers of the same names are
#   compiled one by one.
set(TRIUNE_ONE_BY_ONE "/src/function|/operator/order_by$|/reader/csv$")

function(triune_adjust_targets directory)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "UTILITY" OR type STREQUAL "INTERFACE_LIBRARY")
      continue()
    endif()
    set_target_properties(${target} PROPERTIES
      C_VISIBILITY_PRESET default CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
    if(directory MATCHES "/src/" AND NOT directory MATCHES "${TRIUNE_ONE_BY_ONE}")
      set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 24)
    endif()
  endforeach()
  get_property(folders DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(folder IN LISTS folders)
    triune_adjust_targets(${folder})
  endforeach()
endfunction()

cmake_language(DEFER DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} CALL triune_adjust_targets ${CMAKE_CURRENT_SOURCE_DIR})
