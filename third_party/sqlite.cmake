# SQLite3MultipleCiphers (SQLite plus encryption at rest) from the amalgamation that the npm package carries, compiled
# once with defines of our own: the package's set syncs less than FULL, which loses acknowledged commits (I1), and
# leaves out the progress callback, which deadlines need.
set(TRIUNE_SQLITE ${TRIUNE_PACKAGES}/better-sqlite3-multiple-ciphers-13.0.3/deps/sqlite3)
add_library(triune_sqlite STATIC ${TRIUNE_SQLITE}/sqlite3.c)
target_include_directories(triune_sqlite SYSTEM PUBLIC ${TRIUNE_SQLITE})
target_compile_definitions(triune_sqlite PRIVATE
  # Threads: every connection is used by one thread at a time, so a mutex per connection would only cost.
  SQLITE_THREADSAFE=2
  SQLITE_DEFAULT_MEMSTATUS=0
  # Durability and integrity.
  SQLITE_DEFAULT_SYNCHRONOUS=2
  SQLITE_DEFAULT_WAL_SYNCHRONOUS=2
  SQLITE_DEFAULT_FOREIGN_KEYS=1
  SQLITE_DQS=0
  # Fewer ways in.
  SQLITE_OMIT_LOAD_EXTENSION
  SQLITE_OMIT_SHARED_CACHE
  SQLITE_OMIT_DEPRECATED
  SQLITE_OMIT_TCL_VARIABLE
  SQLITE_USE_URI=0
  SQLITE_DEFAULT_TRUSTED_SCHEMA=0
  SQLITE_LIKE_DOESNT_MATCH_BLOBS
  # Features.
  SQLITE_ENABLE_FTS5
  SQLITE_ENABLE_RTREE
  SQLITE_ENABLE_STAT4
  SQLITE_ENABLE_DBSTAT_VTAB
  SQLITE_ENABLE_MATH_FUNCTIONS
  SQLITE_ENABLE_PERCENTILE
  SQLITE_ENABLE_COLUMN_METADATA
  SQLITE_ENABLE_UPDATE_DELETE_LIMIT
  SQLITE_ENABLE_STMT_SCANSTATUS
  # Page images of savepoints spill from memory into a file beyond this size. It must stay below 128 KiB: the spill is one
  # write, and SQLite's unix layer cuts the length of a write to 17 bits and then reports a full disk.
  SQLITE_STMTJRNL_SPILL=65536
  # What the platform has.
  HAVE_FDATASYNC=1 HAVE_GMTIME_R=1 HAVE_ISNAN=1 HAVE_LOCALTIME_R=1 HAVE_PREAD64=1 HAVE_PWRITE64=1 HAVE_STDINT_H=1
  HAVE_STRCHRNUL=1 HAVE_USLEEP=1 _GNU_SOURCE)
# Optimised in every build type: unoptimised it is several times slower and dominates the tests. Sanitizers look at our
# use of its memory (address); its own deliberate races on the shared wal-index and its arithmetic are not ours to judge.
target_compile_options(triune_sqlite PRIVATE -O2 -w
  $<$<STREQUAL:${TRIUNE_SANITIZER},address>:-fno-sanitize=undefined>
  $<$<STREQUAL:${TRIUNE_SANITIZER},thread>:-fno-sanitize=thread>)
target_link_libraries(triune_sqlite PRIVATE m Threads::Threads)
