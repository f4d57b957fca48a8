{# Checks of a mapping's SQL before anything is built; each raises one sentence. Jinja cannot catch an
   error, so DuckDB's are found in the tree of its parser, Snowflake's by a block that catches them. #}

{# A table's query: it parses, its relations stand in braces, its columns exist.

   Arguments:
     plan (mapping): what becomes of the raw table.
     names (string): its landed relations, for the message. #}
{% macro duckdb__check_query(plan, names) %}
    {%- set place, text = plan.table.name ~ ".relation", plan.settings.relation -%}
    {%- set tree = clientele.duckdb_trees([plan.checked_query])[0] -%}
    {%- do clientele.duckdb_check_tree(place, text, tree) -%}
    {%- for table in clientele.tree_names('"type":"BASE_TABLE"[^{}]*?"table_name":', tree) if '"key":' ~ tojson(table) not in tree -%}
        {%- do clientele.raise_mapping_fault(place, text, ", which names " ~ table ~ " without braces; write {" ~ table ~ "} for a file or landed table.") -%}
    {%- endfor -%}
    {%- set columns = plan.landings | map(attribute='columns') | sum(start=[]) | unique | list -%}
    {%- set known = (columns + clientele.tree_names('"(?:alias|relation_name|table_name|key)":', tree)) | map('lower') | list -%}
    {%- for name in clientele.tree_columns(tree) if name | lower not in known -%}
        {%- do clientele.raise_mapping_fault(place, text, ", but there is no column '" ~ name ~ "'; " ~ names ~ " has " ~ columns | join(', ') ~ ".") -%}
    {%- endfor -%}
{% endmacro %}

{# A table's expressions and conditions: they parse, their columns and functions exist.

   Arguments:
     plan (mapping): what becomes of the raw table.
     checks (list): {place, text, sql} of each. #}
{% macro duckdb__check_expressions(plan, checks) %}
    {%- set selects = [] -%}
    {%- for check in checks -%}
        {%- do selects.append("select " ~ check.sql ~ " as checked") -%}
    {%- endfor -%}
    {%- set trees, known, functions = clientele.duckdb_trees(selects), (plan.present + ['landing_record']) | map('trim') | map('lower') | list, {} -%}
    {%- for check in checks -%}
        {%- set tree = trees[loop.index0] -%}
        {%- do clientele.duckdb_check_tree(check.place, check.text, tree) -%}
        {%- if fromjson(tree).statements[0].node.select_list | length != 1 -%}
            {%- do clientele.raise_mapping_fault(check.place, check.text, "; it must be one expression.") -%}
        {%- endif -%}
        {%- for name in clientele.tree_columns(tree) if name | trim | lower not in known -%}
            {%- do clientele.raise_mapping_fault(check.place, check.text, ", but there is no column '" ~ name ~ "'; "
                ~ plan.source_name ~ " has " ~ plan.present | unique | join(', ') ~ ".") -%}
        {%- endfor -%}
        {%- for name in clientele.tree_names('"class":"FUNCTION"[^{}]*?"function_name":', tree) if modules.re.fullmatch('\\w+', name) -%}
            {%- do functions.update({name: check}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name in clientele.query_column("select unnest(" ~ clientele.duckdb_texts(functions | list)
        ~ "::varchar[]) except select function_name from duckdb_functions()") -%}
        {%- do clientele.raise_mapping_fault(functions[name].place, functions[name].text, ", but DuckDB has no function '" ~ name ~ "'.") -%}
    {%- endfor -%}
{% endmacro %}

{# The trees of DuckDB's parser of several queries, as JSON texts; of one that does not parse, its error. #}
{% macro duckdb_trees(queries) %}
    {{- return(clientele.query_column("select json_serialize_sql(query) from (select unnest(queries) as query, "
        ~ "generate_subscripts(queries, 1) as place from (select " ~ clientele.duckdb_texts(queries) ~ " as queries)) order by place")) -}}
{% endmacro %}

{# Raises when a tree is the error of its parser. #}
{% macro duckdb_check_tree(place, text, tree) %}
    {%- set parsed = fromjson(tree) -%}
    {%- if parsed.error -%}
        {%- do clientele.raise_mapping_fault(place, text, ", which is no SQL: " ~ parsed.error_message ~ ".") -%}
    {%- elif parsed.statements | length != 1 -%}
        {%- do clientele.raise_mapping_fault(place, text, "; it must be one statement.") -%}
    {%- endif -%}
{% endmacro %}

{# Names that follow a pattern in a tree. #}
{% macro tree_names(pattern, tree) %}
    {%- set names = [] -%}
    {%- for name in modules.re.findall(pattern ~ '("(?:[^"\\\\]|\\\\.)*")', tree) -%}
        {%- do names.append(fromjson(name)) -%}
    {%- endfor -%}
    {{- return(names | unique(case_sensitive=true) | list) -}}
{% endmacro %}

{# Columns that a tree refers to; none where names may be the expression's own. #}
{% macro tree_columns(tree) %}
    {%- set names, text = [], '"(?:[^"\\\\]|\\\\.)*"' -%}
    {%- if '"class":"LAMBDA"' not in tree and '"class":"SUBQUERY"' not in tree -%}
        {%- for path in modules.re.findall('"type":"COLUMN_REF"[^{}]*?"column_names":(\\[' ~ text ~ '(?:,' ~ text ~ ')*\\])', tree) -%}
            {%- do names.append(fromjson(path)[-1]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(names) -}}
{% endmacro %}

{% macro snowflake__check_query(plan, names) %}
    {%- set fault = clientele.snowflake_fault("select * from (" ~ plan.query ~ ") as landed where false") -%}
    {%- if fault -%}
        {%- do clientele.raise_mapping_fault(plan.table.name ~ ".relation", plan.settings.relation, ", which Snowflake refuses: " ~ fault
            ~ "; " ~ names ~ " has " ~ plan.landings | map(attribute='columns') | sum(start=[]) | unique | join(', ') ~ ".") -%}
    {%- endif -%}
{% endmacro %}

{% macro snowflake__check_expressions(plan, checks) %}
    {#- All at once; one by one only where that fails. -#}
    {%- set fails = clientele.snowflake_fault("select " ~ checks | map(attribute='sql') | join(', ') ~ " from " ~ plan.source ~ " as landed where false") -%}
    {%- for check in checks if fails -%}
        {%- set fault = clientele.snowflake_fault("select " ~ check.sql ~ " from " ~ plan.source ~ " as landed where false") -%}
        {%- if fault -%}
            {%- do clientele.raise_mapping_fault(check.place, check.text, ", which Snowflake refuses: " ~ fault ~ "; "
                ~ plan.source_name ~ " has " ~ plan.present | unique | join(', ') ~ ".") -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{# The error of a query, as one line; empty when it runs. #}
{% macro snowflake_fault(query) %}
    {%- set block -%}
        execute immediate $$
        begin
            {{ query }};
            return '';
        exception
            when other then
                return sqlerrm;
        end
        $$
    {%- endset -%}
    {{- return(modules.re.sub('\\s+', ' ', clientele.query_column(block)[0] or '').strip()) -}}
{% endmacro %}
