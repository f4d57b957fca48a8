{# The day of a moment where the shop is: its time zone is the key `time_zone` of the mapping, UTC unless set.

   Arguments:
     expression (string): SQL of a timestamp in UTC. #}
{% macro local_date(expression) %}
    {%- set zone = clientele.shop_time_zone() -%}
    {%- if zone == 'UTC' -%} {{- return("cast(" ~ expression ~ " as date)") -}} {%- endif -%}
    {{- return(adapter.dispatch('local_date', 'clientele')(expression, zone)) -}}
{% endmacro %}

{% macro duckdb__local_date(expression, zone) -%}
    cast(timezone('{{ zone }}', timezone('UTC', {{ expression }})) as date)
{%- endmacro %}

{% macro snowflake__local_date(expression, zone) -%}
    cast(convert_timezone('UTC', '{{ zone }}', {{ expression }}) as date)
{%- endmacro %}

{# IANA name of the shop's time zone. #}
{% macro shop_time_zone() -%}
    {{- return((var('shop') or {}).get('time_zone', 'UTC')) -}}
{%- endmacro %}
