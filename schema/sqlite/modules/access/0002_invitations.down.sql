DELETE FROM triune_hive WHERE key LIKE 'module.access.%';
DROP TABLE triune_invitations;
