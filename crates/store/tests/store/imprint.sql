-- All that a grant leaves in the catalogs, without oids and dates.
SELECT 'role', rolname, rolcanlogin, rolinherit, rolsuper, rolconnlimit, rolvaliduntil, left(rolpassword, 20),
  shobj_description(oid, 'pg_authid')
FROM pg_authid WHERE rolname !~ '^pg_' AND rolname <> 'postgres' ORDER BY 2;
SELECT 'member', g.rolname, m.rolname, to_jsonb(a) - 'oid' - 'roleid' - 'member' - 'grantor'
FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE g.rolname !~ '^pg_' ORDER BY 2, 3, 4;
SELECT 'setting', rolname, datname, setconfig
FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
ORDER BY 2, 3;
SELECT 'database', datname, datdba::regrole, datacl FROM pg_database WHERE datname !~ '^template' ORDER BY 2;
SELECT 'schema', nspname, nspowner::regrole, nspacl, obj_description(oid, 'pg_namespace')
FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 2;
SELECT 'default', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl
FROM pg_default_acl ORDER BY 2, 3, 4;
SELECT 'relation', c.oid::regclass, relowner::regrole, relacl
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND relkind IN ('r', 'v', 'S') ORDER BY 2;
SELECT 'extension', extname, extnamespace::regnamespace, extowner::regrole FROM pg_extension ORDER BY 2;
