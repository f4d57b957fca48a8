{# Text in a form that the mapping names, as a timestamp without zone; null when it has another form.

   Arguments:
     text (string): SQL of a text value.
     format (string): the form, written as for strptime.
     entity (string): the table of the source `shop` it stands in. #}
{% macro read_time(text, format, entity) %}
    {#- Of each part: its regular expression, and its name in Snowflake's formats. -#}
    {%- set parts = {
        'd': ['[0-9]{1,2}', 'DD'], 'm': ['[0-9]{1,2}', 'MM'], 'Y': ['[0-9]{4}', 'YYYY'], 'y': ['[0-9]{2}', 'YY'],
        'b': ['[A-Za-z]{3}', 'MON'], 'B': ['[A-Za-z]+', 'MMMM'],
        'H': ['[0-9]{1,2}', 'HH24'], 'I': ['[0-9]{1,2}', 'HH12'], 'p': ['[AaPp][Mm]', 'AM'],
        'M': ['[0-9]{2}', 'MI'], 'S': ['[0-9]{2}', 'SS'],
    } -%}
    {%- set ns = namespace(pattern='', snowflake='', is_part=false) -%}
    {%- for letter in format -%}
        {%- if ns.is_part and letter not in parts -%}
            {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ entity ~ "' has the date_format '" ~ format
                ~ "' with the unknown part '%" ~ letter ~ "'; it takes %" ~ parts | join(', %') ~ ".") }}
        {%- elif ns.is_part -%}
            {%- set ns.pattern = ns.pattern ~ parts[letter][0] -%}
            {%- set ns.snowflake = ns.snowflake ~ parts[letter][1] -%}
            {%- set ns.is_part = false -%}
        {%- elif letter == '%' -%}
            {%- set ns.is_part = true -%}
        {%- else -%}
            {%- set ns.pattern = ns.pattern ~ ('[' ~ letter ~ ']') -%}
            {%- set ns.snowflake = ns.snowflake ~ ('"' ~ letter ~ '"' if letter | upper != letter | lower else letter) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(adapter.dispatch('read_time', 'clientele')(text, format, ns.pattern, ns.snowflake)) -}}
{% endmacro %}

{% macro duckdb__read_time(text, format, pattern, snowflake_format) -%}
    case when regexp_full_match({{ text }}, '{{ pattern }}') then try_strptime({{ text }}, '{{ format }}') end
{%- endmacro %}

{# Single digits get their zero, and a year of two digits its century (69 is 1969, 68 is 2068, as POSIX has it), which
   would be the session's. #}
{% macro snowflake__read_time(text, format, pattern, snowflake_format) -%}
    {%- set moment -%}
        try_to_timestamp_ntz(regexp_replace({{ text }}, '\\b([0-9])\\b', '0\\1'), '{{ snowflake_format }}')
    {%- endset -%}
    case
        when regexp_like({{ text }}, '{{ pattern }}')
            then
            {%- if '%y' in format %}
            dateadd(
                'year',
                case when mod(year({{ moment }}), 100) < 69 then 2000 else 1900 end
                + mod(year({{ moment }}), 100) - year({{ moment }}),
                {{ moment }}
            )
            {%- else %} {{ moment }}
            {%- endif %}
    end
{%- endmacro %}
