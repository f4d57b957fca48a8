{# At the end of a run that built the mart of alarms: one line about rejected order lines, and one per alarm;
   and one of each error alarm that stopped the run. Quiet when there is none; alarms of severity `info`
   stand in the mart only.

   Arguments:
     results (list): what the run's nodes ended in. #}
{% macro report_alarms(results) %}
    {%- if not execute -%} {{- return('') -}} {%- endif -%}
    {%- set types = graph.nodes['seed.clientele.data_quality_alarm_types'] -%}
    {%- set types = adapter.get_relation(database=types.database, schema=types.schema, identifier=types.alias) -%}
    {%- for result in results -%}
        {%- if result.node.unique_id == 'model.clientele.data_quality_alarms' and result.status == 'success' -%}
            {%- do clientele.report_rejections() -%}
            {%- do clientele.report_rows("select * from " ~ result.node.relation_name ~ " where severity != 'info'") -%}
        {%- elif result.node.resource_type == 'test' and result.status == 'fail' and types
            and 'error_alarm' in result.node.tags -%}
            {%- do clientele.report_rows("select found.*, types.severity, replace(replace(types.remedy, '{entity}', found.entity),"
                ~ " '{detail}', found.detail) as remedy from (" ~ result.node.compiled_code ~ ") as found inner join "
                ~ types ~ " as types on found.alarm = types.alarm") -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{# Log how many order lines were rejected, and the money on them. Copies, old versions and what the shop
   itself rejects are not counted: they are meant. #}
{% macro report_rejections() %}
    {%- set counts = graph.nodes['model.clientele.raw_row_counts'] -%}
    {%- set is_lost -%}
        record_status = 'rejected' and broken_rule not in ('exact_duplicate', 'superseded') and not {{ clientele.is_own_rule() }}
    {%- endset -%}
    {%- set found = run_query(
        "select sum(case when " ~ is_lost ~ " then row_count else 0 end), sum(row_count),"
        ~ " sum(case when " ~ is_lost ~ " then abs(line_amount) end),"
        ~ " sum(case when record_status = 'accepted' or " ~ is_lost ~ " then abs(line_amount) end)"
        ~ " from " ~ counts.relation_name ~ " where entity = 'orders'"
    ).rows[0] -%}
    {%- if found[0] -%}
        {%- do log("REJECTED " ~ "{:,}".format(found[0] | int) ~ " of " ~ "{:,}".format(found[1] | int) ~ " order lines"
            ~ ", copies apart"
            ~ (" | amount " ~ "{:,.2f}".format(found[2] | float) if found[2] is not none)
            ~ (" | " ~ "{:.1%}".format((found[2] / found[3]) | float) ~ " of all" if found[2] is not none and found[3])
            ~ " | Look at them in staging.rejected_rows.", info=true) -%}
    {%- endif -%}
{% endmacro %}

{# Log one line per row, the dearest first; of many of one alarm, the first ten.

   Arguments:
     alarms (string): a select with the columns of data_quality_alarms. #}
{% macro report_rows(alarms) %}
    {%- set rows = run_query(
        "select alarm, severity, entity, detail, record_count, amount, share, remedy, alarm_count from (select *,"
        ~ " row_number() over (partition by alarm order by abs(amount) desc nulls last, record_count desc nulls last, entity, detail) as place,"
        ~ " count(*) over (partition by alarm) as alarm_count from (" ~ alarms ~ ") as alarms) as ranked"
        ~ " where place <= 10 order by alarm, place"
    ) -%}
    {%- for row in rows -%}
        {%- do log(
            ("ERROR" if row[1] == 'error' else "ALARM") ~ " " ~ row[0] ~ " in " ~ row[2] ~ ": " ~ row[3]
            ~ (" | " ~ "{:,}".format(row[4] | int) ~ " records" if row[4] is not none)
            ~ (" | amount " ~ "{:,.2f}".format(row[5] | float) if row[5] is not none)
            ~ (" | " ~ "{:.1%}".format(row[6] | float) if row[6] is not none)
            ~ " | " ~ row[7], info=true
        ) -%}
        {%- if loop.last or rows[loop.index][0] != row[0] -%}
            {%- if row[8] > 10 -%}
                {%- do log("      and " ~ (row[8] - 10) ~ " more " ~ row[0] ~ " in monitoring.data_quality_alarms", info=true) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
