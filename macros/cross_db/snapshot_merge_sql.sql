{# Overrides dbt's MERGE of snapshots, which inserts no version whose dbt_scd_id exists already: with a clock
   that stands still, or goes back, a changed record would be closed and its new version lost. Only
   records that end are matched here, so that every new version is inserted, as DuckDB's adapter does.

   Arguments:
     target (relation): the snapshot.
     source (relation): dbt's staging table, with dbt_change_type.
     insert_cols (list of strings): columns of a new version, quoted. #}
{% macro snowflake__snapshot_merge_sql(target, source, insert_cols) -%}
    {%- set columns = insert_cols | join(', ') -%}
    merge into {{ target.render() }} as versions
    using {{ source }} as changes
        on
            changes.dbt_change_type in ('update', 'delete')
            and changes.dbt_scd_id = versions.dbt_scd_id
            and versions.dbt_valid_to is null
    when matched
        then update set dbt_valid_to = changes.dbt_valid_to
    when not matched and changes.dbt_change_type = 'insert'
        then insert ({{ columns }})
        values ({{ columns }})
{%- endmacro %}
