{# Before every run: one view per table of the raw contract in the source's schema, text-typed, with
   the contract's columns, `landing_rule` and `landing_record`, and the table `landed_columns`. The
   shop's mapping (var `shop`, see shops/README.md) is applied here and nowhere else, so no model knows
   how a shop names its things. Raises one sentence naming what is wrong. #}
{% macro create_raw_views() %}
    {%- if not execute -%} {{- return('') -}} {%- endif -%}
    {#- DuckDB names a database by its file, and then finds none of its tables beside a schema of that name. -#}
    {%- set schemas = ['main', 'temp', 'system', 'raw'] + graph.nodes.values() | map(attribute='schema') | unique | list -%}
    {%- if target.type == 'duckdb' and target.database | lower in schemas -%}
        {{ exceptions.raise_compiler_error("DuckDB cannot tell a database called '" ~ target.database ~ "' from a schema: give CLIENTELE_DUCKDB"
            ~ " another file name, such as shop.duckdb (what stands before the first point is the name).") }}
    {%- endif -%}
    {%- do clientele.check_as_of_date() -%}
    {%- set plans = clientele.raw_plans(clientele.shop_mapping()) -%}
    {%- for plan in plans -%}
        {%- do run_query("create or replace view " ~ plan.view ~ " as " ~ plan.sql) -%}
    {%- endfor -%}
    {%- do clientele.write_landed_columns(plans) -%}
    {%- do clientele.report_other_files(plans) -%}
{% endmacro %}

{# Operation: checks a mapping against the shop's files or tables, and builds nothing. Given as an
   argument it needs no new parse of the project, as a var does.

   Arguments:
     shop (mapping): the mapping; the var `shop` unless given. Other vars of its file are taken too. #}
{% macro check_shop(shop=none) %}
    {%- set plans = clientele.raw_plans(shop or clientele.shop_mapping()) -%}
    {%- do clientele.report_other_files(plans) -%}
    {%- for plan in plans -%}
        {%- do run_query("select * from (" ~ plan.sql ~ ") as checked where false") -%}
        {%- set unused = plan.columns | rejectattr('is_used') | map(attribute='name') | unique | list -%}
        {{- print(plan.table.name ~ ": " ~ (plan.landings | map(attribute='name') | unique | join(', ')
            ~ ("; not used: " ~ unused | join(', ') if unused else "; every column is used") if plan.landings else "the shop has none")) -}}
    {%- endfor -%}
    {%- set others = kwargs | list -%}
    {{- print("The mapping fits" ~ (" (" ~ others | join(', ') ~ " not checked)" if others) ~ ". Build it:   make build SHOP=<the mapping> CLIENTELE_RAW_DIR=" ~ env_var('CLIENTELE_RAW_DIR', 'sample') ~ " CLIENTELE_DUCKDB=<a file of its own>") -}}
{% endmacro %}

{# What becomes of each table of the raw contract, checked: a list of {table, view, landings, columns,
   sql, ...}. #}
{% macro raw_plans(mapping) %}
    {%- set tables, order = clientele.raw_tables(), clientele.raw_entities() -%}
    {%- if tables | map(attribute='name') | list != order | sort -%}
        {{ exceptions.raise_compiler_error("The macro raw_entities names other tables than _shop__sources.yml: give both the same.") }}
    {%- endif -%}
    {%- do clientele.check_mapping(mapping, tables) -%}
    {%- do adapter.create_schema(api.Relation.create(database=tables[0].database, schema=tables[0].schema)) -%}
    {%- set plans, landed, main = [], {}, {} -%}
    {%- for table in tables -%}
        {%- do plans.append(clientele.raw_plan(table, mapping.get(table.name) or {}, landed)) -%}
    {%- endfor -%}
    {#- A line that is no record is rejected once: under the table of its file's name, else under the
        first of these that reads it. -#}
    {%- for plan in plans | sort(attribute='table.name') -%}
        {%- for landing in plan.landings -%}
            {%- set rank = -1 if landing.asked == plan.table.name else order.index(plan.table.name) -%}
            {%- if landing.key not in main or rank < main[landing.key][0] -%}
                {%- do main.update({landing.key: [rank, plan.table.name]}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for plan in plans -%}
        {%- do clientele.check_expressions(plan) -%}
        {%- do clientele.finish_raw_plan(plan, main) -%}
    {%- endfor -%}
    {{- return(plans) -}}
{% endmacro %}

{# Where a table's rows come from: its landed relations, and the SQL that reads them.

   A relation is a name, or a query whose landed relations stand in braces: `{orders}`, `{orders:
   line_items}` (one row per element of a JSON array) or `{orders: line_items: taxes}` (one row per
   element of each element). #}
{% macro raw_plan(table, settings, landed) %}
    {%- set plan = {'table': table, 'settings': settings, 'landings': [], 'query': none, 'columns': [],
        'view': api.Relation.create(database=table.database, schema=table.schema, identifier=table.identifier)} -%}
    {%- if 'relation' in settings and not settings.relation -%} {{- return(plan) -}} {%- endif -%}
    {%- set query = namespace(text=settings.get('relation'), checked=settings.get('relation'), missing=false) -%}
    {%- for part in clientele.mapping_relations(table.name, settings) -%}
        {%- set landing = clientele.land(part, table, landed) -%}
        {%- if landing.relation -%}
            {%- do plan.landings.append(landing) -%}
            {%- if part.braces -%}
                {%- set query.text = query.text.replace(part.braces, "(select * exclude (landing_record) from "
                    ~ landing.relation ~ " as landed where landing_record is null)" ~ part.alias, 1) -%}
                {%- set query.checked = query.checked.replace(part.braces, "(select 1)" ~ part.alias, 1) -%}
            {%- endif -%}
        {%- else -%}
            {%- set query.missing = true -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if query.missing -%}
        {%- do plan.update({'landings': []}) -%}
    {%- elif clientele.is_query(query.text) -%}
        {%- do plan.update({'query': clientele.mapping_sql(query.text), 'checked_query': clientele.mapping_sql(query.checked)}) -%}
    {%- endif -%}
    {{- return(plan) -}}
{% endmacro %}

{# The landed relations that a table's part of the mapping names: a list of {name, settings (with those of
   `files`), arrays, braces, alias}; the last two only in a query. #}
{% macro mapping_relations(entity, settings) %}
    {%- set relation, parts = settings.get('relation', entity), [] -%}
    {%- if relation and not clientele.is_query(relation) -%}
        {%- set arrays = settings.get('unnest') or [] -%}
        {%- do parts.append({'name': relation | string, 'arrays': [arrays] if arrays is string else arrays}) -%}
    {%- endif -%}
    {%- for braces, inside, alias in modules.re.findall('(\\{([^{}]+)\\}(\\s+[aA][sS]\\s+\\w+)?)', relation | string) if clientele.is_query(relation) -%}
        {%- set words = modules.re.split('\\s*:\\s*', inside.strip()) -%}
        {%- do parts.append({'name': words[0], 'arrays': words[1:], 'braces': braces,
            'alias': alias or " as " ~ modules.re.sub('\\W+', '_', words[0])}) -%}
    {%- endfor -%}
    {%- for part in parts -%}
        {%- do part.update({'settings': dict(settings, **((settings.get('files') or {}).get(part.name) or {}))}) -%}
    {%- endfor -%}
    {{- return(parts) -}}
{% endmacro %}

{# A landed relation with its arrays unnested: as landed_table says, with `asked` (the name in the
   mapping), `key` (equal for what is the same file read the same way) and `arrays`. What is read alike
   is landed once. #}
{% macro land(part, table, landed) %}
    {%- set name, arrays, settings = part.name, part.arrays, part.settings -%}
    {%- set key = [name, settings.get('delimiter'), settings.get('encoding')] | join('|') -%}
    {%- if key not in landed -%}
        {%- set relation = clientele.target_relation(name) -%}
        {%- do landed.update({key: clientele.landed_relation(relation) if relation
            else clientele.landed_table(name, table, settings)}) -%}
    {%- endif -%}
    {%- set landing = dict(landed[key], asked=name, key=key, arrays=arrays) -%}
    {%- if not landing.relation -%}
        {#- An optional table's: a required one must say that it is missing. -#}
        {%- do landed.pop(key) -%}
    {%- endif -%}
    {%- for array in arrays if landing.relation -%}
        {%- if loop.first and array.strip('"') | lower not in landing.columns | map('lower') -%}
            {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ table.name ~ "' unnests '" ~ array ~ "', which "
                ~ landing.name ~ " does not have; it has " ~ landing.columns | unique | join(', ') ~ ".") }}
        {%- endif -%}
        {%- do landing.update({'relation': clientele.unnest_json(landing.relation,
            array if loop.first else clientele.mapping_sql("json_text(parent, '" ~ array ~ "')"),
            'item' if loop.last else 'parent'),
            'columns': landing.columns + (['item', 'item_number'] if loop.last else ['parent', 'parent_number'])}) -%}
    {%- endfor -%}
    {{- return(landing) -}}
{% endmacro %}

{# The relation of the target that a name with one or two dots means; none when there is no such. #}
{% macro target_relation(name) %}
    {%- set part = '("[^"]+"|[\\w$]+)' -%}
    {%- set found = modules.re.fullmatch('(?:' ~ part ~ '\\.)?' ~ part ~ '\\.' ~ part, name.strip()) -%}
    {%- if not found -%} {{- return(none) -}} {%- endif -%}
    {%- set names = [] -%}
    {%- for text in found.groups() -%}
        {%- do names.append(none if not text else text[1:-1] if text.startswith('"') else clientele.folded(text)) -%}
    {%- endfor -%}
    {%- set database = names[0] or (env_var('RAW_DATABASE', 'RAW') if target.type == 'snowflake' else target.database) -%}
    {%- set relation = adapter.dispatch('find_relation', 'clientele')(database, names[1], names[2]) -%}
    {%- if names[0] and not relation -%}
        {{ exceptions.raise_compiler_error("The shop's mapping names the table " ~ name ~ ", which the target does not see: "
            ~ "check the name, that its database is attached, and the rights on it.") }}
    {%- endif -%}
    {{- return(relation) -}}
{% endmacro %}

{# True for a relation of a mapping that is a query. #}
{% macro is_query(relation) -%}
    {{- return(modules.re.match('\\s*(select|with)\\s', relation | string, modules.re.I) is not none) -}}
{%- endmacro %}

{# Adds the select behind the raw view, and what is used of the landed columns, to a checked plan. #}
{% macro finish_raw_plan(plan, main) %}
    {%- set table, settings = plan.table, plan.settings -%}
    {%- set contract = clientele.raw_columns(table.name) -%}
    {%- set expressions = settings.get('columns') or {} -%}
    {%- set names = plan.landings | map(attribute='name') | unique | join(', ') -%}
    {%- set columns = plan.get('present', []) -%}
    {%- set present = columns | map('trim') | map('lower') | list -%}
    {%- set ns = namespace(selected=[], by_name=[]) -%}
    {%- for column in contract -%}
        {%- if column in expressions -%}
            {%- do ns.selected.append("cast(" ~ clientele.mapping_sql(expressions[column]) ~ " as varchar) as " ~ clientele.column_name(column)) -%}
        {%- elif column in present -%}
            {%- do ns.selected.append(clientele.column_name(column)) -%}
            {%- do ns.by_name.append(column) -%}
        {%- elif table.columns[column].config.meta.aliases | default([]) | select('in', present) | list -%}
            {%- set alias = table.columns[column].config.meta.aliases | select('in', present) | first -%}
            {%- do ns.selected.append(clientele.column_name(alias) ~ " as " ~ clientele.column_name(column)) -%}
            {%- do ns.by_name.append(alias) -%}
        {%- elif table.columns[column].config.meta.required and plan.landings -%}
            {{ exceptions.raise_compiler_error("Required column '" ~ column ~ "' of '" ~ table.name ~ "' is missing in "
                ~ names ~ " (" ~ ("the query gives " if plan.query else "it has ") ~ columns | join(', ')
                ~ "): add it, or map it in the var `shop` (see shops/README.md).") }}
        {%- else -%}
            {%- do ns.selected.append("cast(null as varchar) as " ~ clientele.column_name(column)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set mentioned = [settings.get('relation', ''), settings.get('unnest', ''), settings.get('filter', '')]
        + expressions.values() | list + (settings.get('reject') or {}).values() | list -%}
    {%- do plan.update({'columns': clientele.landed_columns(plan, ns.by_name, mentioned | join('\n'))}) -%}
    {%- set rest = [] -%}
    {%- for column in plan.columns if not (column.is_used or column.name.startswith('_'))
        and 'landing_rest' in table.columns and not plan.query and not settings.get('distinct') -%}
        {%- do rest.append('"' ~ column.name.replace('"', '""') ~ '"') -%}
    {%- endfor -%}
    {#- Malformed lines of the landed relations whose main table this is; of one that is read twice, once. -#}
    {%- set malformed = {} -%}
    {%- for landing in plan.landings | sort(attribute='arrays', reverse=true) if main[landing.key][1] == table.name
        and landing.key not in malformed -%}
        {%- do malformed.update({landing.key: landing.relation}) -%}
    {%- endfor -%}
    {%- set filter = clientele.mapping_sql(settings.get('filter') or 'true') -%}
    {%- set sql -%}
        select {{ 'distinct' if settings.get('distinct') }}
            {{ ns.selected | join(',\n            ') }},
            case
                {% if not plan.query -%}
                when landing_record is not null then 'malformed_row'
                {%- endif %}
                {%- for rule, condition in (settings.get('reject') or {}).items() %}
                when {{ clientele.mapping_sql(condition) }} then '{{ rule }}'
                {%- endfor %}
                when false then ''
            end as landing_rule,
            {{ 'cast(null as varchar) as landing_record' if plan.query else 'landing_record' }}
            {%- if 'landing_rest' in table.columns %},
            {{ "cast(hash(" ~ rest | join(', ') ~ ") as varchar)" if rest else 'cast(null as varchar)' }} as landing_rest
            {%- endif %}
        {% if not plan.landings -%}
        from (select cast(null as varchar) as landing_record) as landed
        where false
        {%- elif plan.query -%}
        from (
            {{ plan.query }}
        ) as landed
        where {{ filter }}
        {%- elif malformed -%}
        from {{ plan.landings[0].relation }} as landed
        where landing_record is not null or ({{ filter }})
        {%- else -%}
        from {{ plan.landings[0].relation }} as landed
        where landing_record is null and ({{ filter }})
        {%- endif %}
        {%- for relation in malformed.values() if plan.query %}
        union all
        select
            {% for column in contract -%}
            cast(null as varchar) as {{ clientele.column_name(column) }},
            {% endfor -%}
            'malformed_row' as landing_rule,
            landing_record
            {%- if 'landing_rest' in table.columns %},
            cast(null as varchar) as landing_rest
            {%- endif %}
        from {{ relation }} as landed
        where landing_record is not null
        {%- endfor -%}
    {%- endset -%}
    {%- do plan.update({'sql': sql}) -%}
{% endmacro %}

{# What the landed relations of a plan hold: a list of {entity, relation, name, occurrences, is_used}.
   Used is what a contract column takes by its name, and what the mapping mentions as a word. #}
{% macro landed_columns(plan, by_name, mentioned) %}
    {%- set rows = [] -%}
    {%- for landing in plan.landings -%}
        {%- set names, seen = landing.columns | map('trim') | map('lower') | list, [] -%}
        {%- for column in landing.columns -%}
            {%- set name = column | trim | lower -%}
            {%- set word = '(?<!\\w)' ~ modules.re.escape(column) ~ '(?!\\w)' -%}
            {%- do rows.append({
                'entity': plan.table.name, 'relation': landing.name, 'name': column, 'occurrences': names.count(name),
                'is_used': name in by_name or modules.re.search(word, mentioned, modules.re.I) is not none
            }) if name not in seen + (['item', 'item_number', 'parent', 'parent_number'] if landing.arrays else []) -%}
            {%- do seen.append(name) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(rows) -}}
{% endmacro %}

{# The table `landed_columns`: what every landed relation holds, and whether its entity reads it. #}
{% macro write_landed_columns(plans) %}
    {%- set table = graph.sources.values() | selectattr('source_name', 'equalto', 'landing') | first -%}
    {%- set texts = [] -%}
    {%- for row in plans | map(attribute='columns') | sum(start=[]) -%}
        {%- set quoted = [] -%}
        {%- for value in [row.entity, row.relation, row.name] -%}
            {%- do quoted.append("'" ~ (value | string).replace("\\", "\\\\" if target.type == 'snowflake' else "\\").replace("'", "''") ~ "'") -%}
        {%- endfor -%}
        {%- do texts.append("(" ~ quoted | join(', ') ~ ", " ~ row.occurrences ~ ", " ~ row.is_used | lower ~ ")") -%}
    {%- endfor -%}
    {%- set rows = texts | unique | join(',\n') if texts else "('', '', '', 0, false)" -%}
    {%- do run_query("create or replace table "
        ~ api.Relation.create(database=table.database, schema=table.schema, identifier=table.identifier)
        ~ " as select cast(entity as varchar) as entity, cast(relation_name as varchar) as relation_name, "
        ~ "cast(column_name as varchar) as column_name, cast(occurrences as integer) as occurrences, "
        ~ "cast(is_used as boolean) as is_used from (values " ~ rows
        ~ ") as landed (entity, relation_name, column_name, occurrences, is_used) where entity != ''") -%}
{% endmacro %}
