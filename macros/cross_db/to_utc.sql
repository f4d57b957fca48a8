{# ISO 8601 text (a date, or a date and a time with or without zone) as a timestamp in UTC; a time
   without a zone is taken as UTC. Null when unreadable. #}
{% macro to_utc(expression) %}
    {{- return(adapter.dispatch('to_utc', 'clientele')(expression)) -}}
{% endmacro %}

{% macro duckdb__to_utc(expression) -%}
    case when length({{ expression }}) <= 19 then try_cast({{ expression }} as timestamp)
        else cast(try_cast({{ expression }} as timestamptz) as timestamp) end
{%- endmacro %}

{% macro snowflake__to_utc(expression) -%}
    cast(convert_timezone('UTC', try_to_timestamp_tz({{ expression }} || case
        when length({{ expression }}) <= 10 then ' 00:00:00 +00:00'
        when length({{ expression }}) <= 19 then ' +00:00'
        else '' end)) as timestamp_ntz)
{%- endmacro %}
