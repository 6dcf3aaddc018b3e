# defines the target for sqlite
