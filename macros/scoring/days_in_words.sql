{# A number of days in words: `1 day`, `31 days`.

   Arguments:
     days (string): SQL of the number, which is rounded. #}
{% macro days_in_words(days) -%}
    cast(cast(round({{ days }}) as integer) as varchar) || case when round({{ days }}) = 1 then ' day' else ' days' end
{%- endmacro %}
