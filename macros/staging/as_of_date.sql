{# The one clock, as a scalar. #}
{% macro as_of_date() -%}
    (select as_of_date from {{ ref('as_of_date') }})
{%- endmacro %}

{# The var `as_of_date` as a date; null when it is not set. #}
{% macro as_of_date_setting() -%}
    cast({{ "'" ~ var('as_of_date') ~ "'" if var('as_of_date') else 'null' }} as date)
{%- endmacro %}

{# Raises one sentence when the var `as_of_date` is no day; called before anything is built. #}
{% macro check_as_of_date() %}
    {%- set setting = var('as_of_date') | string | replace("'", "") -%}
    {%- if var('as_of_date') and not (
        modules.re.fullmatch('\\d{4}-\\d{2}-\\d{2}', setting)
        and clientele.query_column("select try_cast('" ~ setting ~ "' as date)")[0]
    ) -%}
        {{ exceptions.raise_compiler_error("as_of_date is '" ~ setting ~ "', which is no day: write it as YYYY-MM-DD, or leave it empty.") }}
    {%- endif -%}
{% endmacro %}

{# Post-hook of the model as_of_date: raises one sentence when the var `as_of_date` is a day that the data say nothing
   of. Days without an order may lie between the last one and today, so a day after the data only warns. #}
{% macro check_as_of_date_in_data() %}
    {%- if not execute or not var('as_of_date') -%} {{- return('') -}} {%- endif -%}
    {%- set found = run_query(
        "select cast(min(" ~ clientele.local_date('ordered_at') ~ ") as varchar), cast(max(" ~ clientele.local_date('ordered_at') ~ ") as varchar) from "
        ~ ref('base_shop__orders') ~ " where record_status in ('accepted', 'left_out')"
    ) -%}
    {%- set first, last = found.columns[0].values()[0], found.columns[1].values()[0] -%}
    {%- set setting = var('as_of_date') | string | replace("'", "") -%}
    {%- set today = (run_started_at + modules.datetime.timedelta(days=1)).strftime('%Y-%m-%d') -%}
    {%- if first is not none and setting <= first -%}
        {{ exceptions.raise_compiler_error("as_of_date is " ~ setting ~ ", but the first order is of " ~ first
            ~ ": nothing had happened yet; set a later day, or leave it empty for the day after the last order.") }}
    {%- elif setting > today -%}
        {{ exceptions.raise_compiler_error("as_of_date is " ~ setting ~ ", a day to come, and the last order is of " ~ last
            ~ "; set a day up to today, or leave it empty for the day after the last order.") }}
    {%- elif last is not none and setting > last and setting != (modules.datetime.datetime.strptime(last, '%Y-%m-%d') + modules.datetime.timedelta(days=1)).strftime('%Y-%m-%d') -%}
        {%- do exceptions.warn("as_of_date is " ~ setting ~ ", and the last order is of " ~ last
            ~ ": the days between count as days without an order.") -%}
    {%- endif -%}
{% endmacro %}

{# The moment at which this run started, in UTC: nothing can have happened after it. #}
{% macro run_started() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}
