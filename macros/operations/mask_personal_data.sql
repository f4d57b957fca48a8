{# After each model and snapshot: the columns whose YAML says `contains_pii` get the masking policy that
   setup_snowflake made. dbt replaces tables, and a replaced table has no policy, so it is set again every
   time. Every such table is masked, also where the reporter has no grant: whoever is granted one later
   sees no more. Views show what the tables under them show. #}
{% macro mask_personal_data() %}
    {{- return(adapter.dispatch('mask_personal_data', 'clientele')()) -}}
{% endmacro %}

{# Files have no roles: on DuckDB whoever reads the file reads all of it. #}
{% macro default__mask_personal_data() %}{% endmacro %}

{% macro snowflake__mask_personal_data() -%}
    {%- set policy = clientele.masking_policy() -%}
    {%- set ns = namespace(statements=[]) -%}
    {%- for column in model.columns.values() if column.config.meta.contains_pii -%}
        {%- do ns.statements.append("alter table " ~ this ~ " modify column " ~ column.name
            ~ " set masking policy " ~ policy ~ " force") -%}
    {%- endfor -%}
    {%- if model.config.materialized == 'view' or not ns.statements -%}
        {{- return('') -}}
    {%- elif policy -%}
        {{- return(ns.statements | join(';\n')) -}}
    {%- elif model.config.grants -%}
        {{ exceptions.raise_compiler_error(this ~ " would show personal data to " ~ model.config.grants.select | join(', ')
            ~ ": SNOWFLAKE_MASKING_POLICY is empty. Set SNOWFLAKE_REPORTER_ROLE empty too, and grant by hand what has none.") }}
    {%- endif -%}
{%- endmacro %}

{# Full name of the masking policy; empty where the account has none (Standard Edition). #}
{% macro masking_policy() %}
    {%- set policy = env_var('SNOWFLAKE_MASKING_POLICY', 'SECURITY.MASK_PERSONAL_DATA') -%}
    {{- return(env_var('SNOWFLAKE_DATABASE', 'ANALYTICS') ~ '.' ~ policy if policy else '') -}}
{% endmacro %}
