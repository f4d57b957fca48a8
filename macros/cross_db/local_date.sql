{# The day of a moment where the shop is.

   Arguments:
     expression (string): SQL of a timestamp in UTC. #}
{% macro local_date(expression) -%}
    cast({{ clientele.local_time(expression) }} as date)
{%- endmacro %}

{# What the shop's clock shows at a moment: its time zone is the key `time_zone` of the mapping, UTC unless set.

   Arguments:
     expression (string): SQL of a timestamp in UTC. #}
{% macro local_time(expression) %}
    {%- set zone = clientele.shop_time_zone() -%}
    {%- if zone == 'UTC' -%} {{- return(expression) -}} {%- endif -%}
    {{- return(adapter.dispatch('local_time', 'clientele')(expression, zone)) -}}
{% endmacro %}

{% macro duckdb__local_time(expression, zone) -%}
    timezone('{{ zone }}', timezone('UTC', {{ expression }}))
{%- endmacro %}

{% macro snowflake__local_time(expression, zone) -%}
    convert_timezone('UTC', '{{ zone }}', {{ expression }})
{%- endmacro %}

{# The moment, in UTC, at which the shop's clock shows a time. Worked out from local_time alone, because what
   a warehouse makes of an hour that the clock skips or shows twice is nowhere promised: of two moments it
   is the first, and a time that never was counts on from before the clock was put forward.

   Arguments:
     expression (string): SQL of a timestamp in the shop's time. #}
{% macro local_to_utc(expression) %}
    {%- if clientele.shop_time_zone() == 'UTC' -%} {{- return(expression) -}} {%- endif -%}
    {%- set day_before, day_after = dbt.dateadd('day', -1, expression), dbt.dateadd('day', 1, expression) -%}
    {%- set before = dbt.datediff(day_before, clientele.local_time(day_before), 'minute') -%}
    {%- set after = dbt.datediff(day_after, clientele.local_time(day_after), 'minute') -%}
    {%- set by_before = dbt.dateadd('minute', '-(' ~ before ~ ')', expression) -%}
    {%- set by_after = dbt.dateadd('minute', '-(' ~ after ~ ')', expression) -%}
    case
        when {{ before }} = {{ after }} then {{ by_before }}
        when {{ clientele.local_time(by_before) }} <> {{ expression }} and {{ clientele.local_time(by_after) }} = {{ expression }}
            then {{ by_after }}
        else {{ by_before }}
    end
{%- endmacro %}

{# IANA name of the shop's time zone. #}
{% macro shop_time_zone() -%}
    {{- return(clientele.shop_mapping().get('time_zone', 'UTC')) -}}
{%- endmacro %}
