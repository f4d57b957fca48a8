{# Text as a decimal, null when it is no number, or from a thousand million on, because a slip of the keyboard of
   that size would leave no room for totals. A mapping may name the table's `decimal_mark`: with `,` the text
   1.234,56 is a number and 1234.56 is none, with `.` 1,234.56 is one; without it no mark groups digits.

   Arguments:
     expression (string): SQL of a text value.
     entity (string): the table of the source `shop` it stands in.
     places (integer): decimal places kept: four, because only a line's total is rounded to money; ten for
       prices, so that ten million units of something below a penny are right to the cent. #}
{% macro to_amount(expression, entity, places=4) -%}
    {%- set mark = clientele.table_settings(entity).get('decimal_mark') -%}
    {%- if mark is none -%}
        {%- set number = expression -%}
    {%- elif mark in [',', '.'] -%}
        {#- Blanks and apostrophes group digits too, in France and in Switzerland. -#}
        {%- set group = '.' if mark == ',' else ',' -%}
        {%- set bare = "translate(" ~ clientele.clean_text(expression) ~ ", ' ''’' || chr(160) || chr(8239), '')" -%}
        {%- set pattern = '[+-]?([0-9]{1,3}([' ~ group ~ '][0-9]{3})+|[0-9]+)([' ~ mark ~ '][0-9]*)?' -%}
        {%- set number -%}
            case
                when {{ clientele.full_match(bare, pattern) }}
                    then replace(replace({{ bare }}, '{{ group }}', ''), '{{ mark }}', '.')
            end
        {%- endset -%}
    {%- else -%}
        {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ entity ~ "' has the decimal_mark '" ~ mark ~ "'; it is ',' or '.'.") }}
    {%- endif -%}
    cast(try_cast({{ number }} as decimal({{ 9 + places }}, {{ places }})) as decimal({{ 18 if places == 4 else 38 }}, {{ places }}))
{%- endmacro %}
