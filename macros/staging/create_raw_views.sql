{# Before every run: one view per table of the raw contract in the source's schema, text-typed, with
   the contract's columns, `landing_rule` and `landing_record`. The shop's mapping (var `shop`, see
   shops/README.md) is applied here and nowhere else, so no model knows how a shop names its things.
   Raises one sentence naming what is missing. #}
{% macro create_raw_views() %}
    {%- if not execute -%} {{- return('') -}} {%- endif -%}
    {%- do clientele.check_as_of_date() -%}
    {%- set tables = clientele.raw_tables() -%}
    {%- set mapping = var('shop') or {} -%}
    {%- for name in mapping if name not in tables | map(attribute='name') | list + ['time_zone', 'currency', 'identity'] -%}
        {{ exceptions.raise_compiler_error("The shop's mapping names the table '" ~ name ~ "'; the raw contract has "
            ~ tables | map(attribute='name') | join(', ') ~ ".") }}
    {%- endfor -%}
    {%- for table in tables -%}
        {%- set view = api.Relation.create(database=table.database, schema=table.schema, identifier=table.identifier) -%}
        {%- if loop.first -%}
            {%- do adapter.create_schema(view) -%}
        {%- endif -%}
        {%- do run_query("create or replace view " ~ view ~ " as " ~ clientele.raw_view(table, mapping.get(table.name, {}))) -%}
    {%- endfor -%}
{% endmacro %}

{# The select behind one raw view. `settings` is the table's part of the mapping. #}
{% macro raw_view(table, settings) %}
    {%- set known = ['relation', 'columns', 'filter', 'reject', 'distinct', 'delimiter', 'encoding', 'decimal_mark', 'date_format'] -%}
    {%- for key in settings if key not in known -%}
        {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ table.name ~ "' has the unknown key '" ~ key
            ~ "'; it takes " ~ known | join(', ') ~ ".") }}
    {%- endfor -%}
    {%- set contract = clientele.raw_columns(table.name) -%}
    {%- set expressions = settings.get('columns', {}) -%}
    {%- for column in expressions if column not in contract -%}
        {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ table.name ~ "' names the column '" ~ column
            ~ "'; the raw contract has " ~ contract | join(', ') ~ ".") }}
    {%- endfor -%}
    {%- set landed = clientele.landed_table(settings.get('relation', table.name), table, settings) -%}
    {%- set present = landed.columns | map('lower') | list -%}
    {%- set ns = namespace(selected=[]) -%}
    {%- for column in contract -%}
        {%- if column in expressions -%}
            {%- do ns.selected.append("cast(" ~ expressions[column] ~ " as varchar) as " ~ column) -%}
        {%- elif column in present -%}
            {%- do ns.selected.append(column) -%}
        {%- elif table.columns[column].config.meta.required and landed.relation -%}
            {{ exceptions.raise_compiler_error("Required column '" ~ column ~ "' of '" ~ table.name ~ "' is missing in "
                ~ landed.name ~ " (it has " ~ landed.columns | join(', ') ~ "): add it, or map it in the var `shop`"
                ~ " (see shops/README.md).") }}
        {%- else -%}
            {%- do ns.selected.append("cast(null as varchar) as " ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set rules = settings.get('reject', {}) -%}
    select {{ 'distinct' if settings.get('distinct') }}
        {{ ns.selected | join(', ') }},
        case
            when landing_record is not null then 'malformed_row'
            {%- for rule, condition in rules.items() %}
            when {{ condition }} then '{{ rule }}'
            {%- endfor %}
        end as landing_rule,
        landing_record
    {%- if landed.relation %}
    from {{ landed.relation }} as landed
    {%- if settings.get('filter') %}
    where landing_record is not null or ({{ settings.filter }})
    {%- endif -%}
    {%- else %}
    from (select cast(null as varchar) as landing_record) as landed
    where false
    {%- endif -%}
{% endmacro %}
