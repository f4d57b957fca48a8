{# ISO 8601 text (a date, or a date and a time with or without zone) as a timestamp in UTC; a time
   without a zone is taken as UTC. Null when unreadable. #}
{% macro to_utc(expression) %}
    {{- return(adapter.dispatch('to_utc', 'clientele')(expression)) -}}
{% endmacro %}

{# The usual forms are told by their colons, which costs less than an expression. DuckDB alone would also
   read `infinity`, and take 11:30 PM for the morning. #}
{% macro duckdb__to_utc(expression) -%}
    case
        when length({{ expression }}) = 10 or substr({{ expression }}, 14, 1) = ':' and (
            length({{ expression }}) = 16 or length({{ expression }}) = 19 and substr({{ expression }}, 17, 1) = ':'
        ) then try_cast({{ expression }} as timestamp)
        when regexp_full_match({{ expression }}, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9:.]*)? ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?')
            then cast(try_cast({{ expression }} as timestamptz) as timestamp)
    end
{%- endmacro %}

{# Only ISO 8601: Snowflake alone would also read 20240131 as seconds since 1970 and 31-JAN-2024 as a day.
   A text without zone must not get the session's. #}
{% macro snowflake__to_utc(expression) -%}
    case
        when not regexp_like({{ expression }}, '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9:.]*)? ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?$')
            then null
        when regexp_like(substr({{ expression }}, 9), '^[ T0-9:.]*$') then try_to_timestamp_ntz({{ expression }})
        else cast(convert_timezone('UTC', try_to_timestamp_tz(replace({{ expression }}, 'UTC', 'Z'))) as timestamp_ntz)
    end
{%- endmacro %}
