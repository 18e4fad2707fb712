"""The database's own guard of the audit log.

An UPDATE is always refused. A DELETE is refused unless the transaction says that it is the retention's
(`audit.retention_days`), and then rows that are younger than that stay all the same.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    days integer := nullif(current_setting('audit.retention_days', true), '')::integer;
BEGIN
    IF TG_OP = 'DELETE' AND days >= 1 AND OLD.created_at < now() - make_interval(days => days) THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'TRUNCATE' AND current_setting('audit.allow_truncate', true) = 'on' THEN
        RETURN NULL;  -- only a throwaway database of the tests says so
    END IF;
    RAISE EXCEPTION 'The audit log cannot be altered: % refused.', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_guard();
CREATE TRIGGER audit_table_stays BEFORE TRUNCATE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_guard();
"""
NO_GUARD = """
DROP TRIGGER audit_table_stays ON audit_auditevent;
DROP TRIGGER audit_rows_stay ON audit_auditevent;
DROP FUNCTION audit_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_the_log")]

    operations = [migrations.RunSQL(GUARD, NO_GUARD)]
