// Users' migrations on an opened hive: their statements run as users' do, so that capture, mappings and text indexes
// keep up (I2), together with the record of the migration in one transaction (M1 of migrate/migrate.h).
#pragma once

#include "migrate/migrate.h"
#include "triune/hive.h"

namespace triune::hive {

/// `hive` was made by Hive::open and outlives what is returned. One thread at a time.
migrate::Runner schema_runner(Hive& hive);

}  // namespace triune::hive
