{# ISO 8601 text (a date, or a date and a time with or without zone) as a timestamp in UTC; a time
   without a zone is taken as UTC. Null when unreadable. #}
{% macro to_utc(expression) %}
    {{- return(adapter.dispatch('to_utc', 'clientele')(expression)) -}}
{% endmacro %}

{% macro duckdb__to_utc(expression) -%}
    case when length({{ expression }}) <= 19 then try_cast({{ expression }} as timestamp)
        else cast(try_cast({{ expression }} as timestamptz) as timestamp) end
{%- endmacro %}

{# Only ISO 8601: Snowflake alone would also read 20240131 as seconds since 1970 and 31-JAN-2024 as a day.
   A text without zone must not get the session's. #}
{% macro snowflake__to_utc(expression) -%}
    case
        when not regexp_like({{ expression }}, '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T].*)?$') then null
        when regexp_like(substr({{ expression }}, 9), '^[ T0-9:.]*$') then try_to_timestamp_ntz({{ expression }})
        else cast(convert_timezone('UTC', try_to_timestamp_tz({{ expression }})) as timestamp_ntz)
    end
{%- endmacro %}
