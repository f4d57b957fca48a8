{# A JSON object, as text, of the raw columns named, each under its own name and in the
   order of the names, as Snowflake keeps them; nulls are left out. #}
{% macro json_record(columns) %}
    {{- return(adapter.dispatch('json_record', 'clientele')(columns)) -}}
{% endmacro %}

{% macro duckdb__json_record(columns) -%}
    cast(json_merge_patch('{}', json_object({% for column in columns | sort -%}
        '{{ column }}', raw_{{ column }}{{ ', ' if not loop.last }}
    {%- endfor %})) as varchar)
{%- endmacro %}

{% macro snowflake__json_record(columns) -%}
    to_json(object_construct({% for column in columns | sort -%}
        '{{ column }}', raw_{{ column }}{{ ', ' if not loop.last }}
    {%- endfor %}))
{%- endmacro %}
