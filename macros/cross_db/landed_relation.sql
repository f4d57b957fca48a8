{# A relation of the target as a landed one, as landed_table says: its columns as text, lists and structs
   as JSON text. #}
{% macro landed_relation(relation) %}
    {{- return(adapter.dispatch('landed_relation', 'clientele')(relation)) -}}
{% endmacro %}

{% macro duckdb__landed_relation(relation) %}
    {%- set columns, ns = run_query("select column_name as name, column_type as dtype from (describe " ~ relation ~ ")").rows, namespace(selected=[]) -%}
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

{# Without the columns that load_raw keeps its own accounts in. #}
{% macro snowflake__landed_relation(relation) %}
    {%- set present = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- set names, selected, columns = [], [], [] -%}
    {%- for column in present if column not in ['LANDING_RECORD', 'LANDING_FILE', 'LANDING_KEY'] -%}
        {#- A name that stands again in a header was numbered (csv_header); its first column is read. -#}
        {%- set again = modules.re.fullmatch('(.*) [(][0-9]+[)]', column) -%}
        {%- if again and again.group(1) | lower in columns | map('lower') -%}
            {%- do columns.append(again.group(1)) -%}
        {%- else -%}
            {%- do columns.append(column) -%}
            {#- A name with lower-case letters is found only in quotes, so it gets a second one that is not. -#}
            {%- for name in [column, column | upper] if name not in names and (name == column or name not in present) -%}
                {%- do names.append(name) -%}
                {%- do selected.append('cast("' ~ column.replace('"', '""') ~ '" as varchar) as "' ~ name.replace('"', '""') ~ '"') -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do selected.append('landing_record' if 'LANDING_RECORD' in present else 'cast(null as varchar) as landing_record') -%}
    {{- return({
        'relation': "(select " ~ selected | join(', ') ~ " from " ~ relation ~ ")",
        'columns': columns, 'name': relation | string
    }) -}}
{% endmacro %}

{# A name without quotes as the warehouse keeps it. #}
{% macro folded(name) %}
    {{- return(name | upper if target.type == 'snowflake' else name) -}}
{% endmacro %}

{# The relation of that name, none when there is no such. DuckDB: by run_query, since dbt's own look-up opens a
   transaction that nobody commits, and the raw views would be rolled back with it. #}
{% macro duckdb__find_relation(database, schema, identifier) %}
    {%- set found = clientele.query_column("select count(*) from system.information_schema.tables where lower(table_catalog) = lower('" ~ database
        ~ "') and lower(table_schema) = lower('" ~ schema ~ "') and lower(table_name) = lower('" ~ identifier ~ "')")[0] -%}
    {{- return(api.Relation.create(database=database, schema=schema, identifier=identifier) if found else none) -}}
{% endmacro %}

{% macro snowflake__find_relation(database, schema, identifier) %}
    {{- return(adapter.get_relation(database=database, schema=schema, identifier=identifier)) -}}
{% endmacro %}
