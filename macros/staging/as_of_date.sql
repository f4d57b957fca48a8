{# The one clock, as a scalar. #}
{% macro as_of_date() -%}
    (select as_of_date from {{ ref('as_of_date') }})
{%- endmacro %}

{# The var `as_of_date` as a date literal; null when it is not set. #}
{% macro as_of_date_setting() -%}
    {%- set setting = var('as_of_date') | default('', true) | string -%}
    {%- if not setting -%} cast(null as date)
    {%- elif modules.re.fullmatch('\\d{4}-\\d{2}-\\d{2}', setting) -%} cast('{{ setting }}' as date)
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "as_of_date is '" ~ setting ~ "', which is no date: write it as YYYY-MM-DD, or leave it empty."
        ) }}
    {%- endif -%}
{%- endmacro %}

{# The moment at which this run started, in UTC: nothing can have happened after it. #}
{% macro run_started() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}
