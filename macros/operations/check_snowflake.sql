{# Whether the account's Anaconda channel has what Python models are pinned to (dbt_project.yml); raises one
   sentence naming what it lacks, and the versions it has. #}
{% macro check_packages() %}
    {%- set ns = namespace(missing=[]) -%}
    {%- set python_models = graph.nodes.values() | selectattr('language', 'equalto', 'python') | list -%}
    {%- for package in python_models | map(attribute='config.packages') | sum(start=[]) | unique -%}
        {%- set versions = run_query(
            "select version from " ~ target.database ~ ".information_schema.packages where language = 'python'"
            ~ " and runtime_version = '" ~ python_models[0].config.python_version ~ "' and package_name = '"
            ~ package.split('==')[0] ~ "' order by version").columns[0].values() | list -%}
        {%- if package.split('==')[1] not in versions -%}
            {%- do ns.missing.append(package ~ " (there are " ~ versions | join(', ') ~ ")") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ns.missing -%}
        {{ exceptions.raise_compiler_error("The account's Anaconda channel lacks " ~ ns.missing | join('; ')
            ~ ": choose others in dbt_project.yml (models.clientele.ml.packages).") }}
    {%- endif -%}
    {{- print("The account has every pinned package.") -}}
{% endmacro %}

{# What the reporter sees of the personal data in dim_customers of this target: fails on a value that is
   not masked, and on a table without values, which proves nothing. #}
{% macro check_masking() %}
    {%- set customers = graph.nodes.values() | selectattr('unique_id', 'equalto', 'model.clientele.dim_customers') | first -%}
    {%- set reporter = clientele.snowflake_name('ROLE', 'REPORTER') -%}
    {%- set ns = namespace(masked=[]) -%}
    {%- for column in customers.columns.values() if column.config.meta.contains_pii -%}
        {%- do ns.masked.append(column.name) -%}
    {%- endfor -%}
    {%- do run_query("grant usage on schema " ~ target.database ~ "." ~ customers.schema ~ " to role " ~ reporter) -%}
    {%- do run_query("grant select on table " ~ customers.relation_name ~ " to role " ~ reporter) -%}
    {%- do run_query("use role " ~ reporter) -%}
    {#- A secondary role that may build would show clear text. -#}
    {%- do run_query("use secondary roles none") -%}
    {%- do run_query("use warehouse " ~ clientele.snowflake_name('WAREHOUSE', 'REPORTING')) -%}
    {%- set seen = run_query("select "
        ~ "count(" ~ ns.masked | join(") + count(") ~ "), "
        ~ "count_if(" ~ ns.masked | join(" != '***') + count_if(") ~ " != '***')"
        ~ " from " ~ customers.relation_name).rows[0].values() -%}
    {%- do run_query("use role " ~ target.role) -%}
    {%- if seen[0] == 0 or seen[1] > 0 -%}
        {{ exceptions.raise_compiler_error(reporter ~ " sees " ~ seen[1] ~ " of " ~ seen[0] ~ " personal values in clear text.") }}
    {%- endif -%}
    {{- print(reporter ~ " sees none of " ~ seen[0] ~ " personal values.") -}}
{% endmacro %}
