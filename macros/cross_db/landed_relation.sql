{# A relation of the target as a landed one, as landed_table says: its columns as text, lists and structs
   as JSON text. #}
{% macro landed_relation(relation) %}
    {{- return(adapter.dispatch('landed_relation', 'clientele')(relation)) -}}
{% endmacro %}

{% macro duckdb__landed_relation(relation) %}
    {%- set columns, ns = adapter.get_columns_in_relation(relation), namespace(selected=[]) -%}
    {%- for column in columns if column.name | lower != 'landing_record' -%}
        {%- set name, type = '"' ~ column.name.replace('"', '""') ~ '"', column.dtype | upper -%}
        {%- do ns.selected.append("cast(" ~ ("to_json(" ~ name ~ ")" if type.endswith(']') or type.startswith('STRUCT') or type.startswith('MAP') else name)
            ~ " as varchar) as " ~ name) -%}
    {%- endfor -%}
    {%- set names = columns | map(attribute='name') | list -%}
    {{- return({
        'relation': "(select " ~ ns.selected | join(', ') ~ ", " ~ ('landing_record' if 'landing_record' in names | map('lower') else 'cast(null as varchar) as landing_record')
            ~ " from " ~ relation ~ ")",
        'columns': names | reject('equalto', 'landing_record') | list, 'name': relation | string
    }) -}}
{% endmacro %}

{% macro snowflake__landed_relation(relation) %}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {#- A name with lower-case letters is found only in quotes, so it gets a second one that is not. -#}
    {%- set ns = namespace(selected=[]) -%}
    {%- for column in columns if column != 'LANDING_RECORD' -%}
        {%- for name in [column] + ([] if column | upper in columns else [column | upper]) -%}
            {%- do ns.selected.append('cast("' ~ column ~ '" as varchar) as "' ~ name ~ '"') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set sql -%}
        (select
            {{ ns.selected | join(', ') }},
            {{ 'landing_record' if 'LANDING_RECORD' in columns else 'cast(null as varchar) as landing_record' }}
        from {{ relation }})
    {%- endset -%}
    {{- return({'relation': sql, 'columns': columns | reject('equalto', 'LANDING_RECORD') | list, 'name': relation | string}) -}}
{% endmacro %}

{# A name without quotes as the warehouse keeps it. #}
{% macro folded(name) %}
    {{- return(name | upper if target.type == 'snowflake' else name) -}}
{% endmacro %}
