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

{# The moment at which this run started, in UTC: nothing can have happened after it. #}
{% macro run_started() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}
