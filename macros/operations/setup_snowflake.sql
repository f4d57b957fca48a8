{# What an empty account needs before the first load and build: roles, warehouses, databases, schemas,
   grants and the masking policy. Without arguments it prints the script, to be read, and needs no account
   for that; with `apply` it runs it. Running it again changes nothing that is as it should be.

       dbt run-operation setup_snowflake                           -- profiles/setup_snowflake.sql
       SNOWFLAKE_ROLE=ACCOUNTADMIN dbt run-operation setup_snowflake --target snowflake --args '{apply: true}'

   Arguments:
     apply (boolean): run the script instead of printing it.
     monthly_credits (integer): credits a month after which the warehouses are suspended; none for no limit. #}
{% macro setup_snowflake(apply=false, monthly_credits=none) %}
    {%- set script = clientele.setup_snowflake_script(monthly_credits) -%}
    {%- if not apply -%}
        {{- print(script | trim) -}}
    {%- elif target.type != 'snowflake' -%}
        {{ exceptions.raise_compiler_error("The script is for Snowflake: add --target snowflake.") }}
    {%- else -%}
        {%- do run_query(script) -%}
        {{- print("The account is ready: now a user for each role (docs/snowflake.md).") -}}
    {%- endif -%}
{% endmacro %}

{# Name of a role or warehouse: its own, or what SNOWFLAKE_<NAME>_<KIND> says. #}
{% macro snowflake_name(kind, name) %}
    {{- return(env_var('SNOWFLAKE_' ~ name ~ '_' ~ kind, name)) -}}
{% endmacro %}

{# Schemas of production, in order: those of every model, seed and snapshot, or those of the marts alone. #}
{% macro production_schemas(marts_only=false) %}
    {%- set ns = namespace(schemas=[]) -%}
    {%- for node in graph.nodes.values() if node.resource_type in ['model', 'seed', 'snapshot'] -%}
        {%- if node.fqn[1] == 'marts' or not marts_only -%}
            {%- do ns.schemas.append(node.config.schema) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(ns.schemas | unique | sort) -}}
{% endmacro %}

{# The script itself: plain SQL with comments, one statement after the other. #}
{% macro setup_snowflake_script(monthly_credits=none) %}
    {%- set loader = clientele.snowflake_name('ROLE', 'LOADER') -%}
    {%- set transformer = clientele.snowflake_name('ROLE', 'TRANSFORMER') -%}
    {%- set reporter = clientele.snowflake_name('ROLE', 'REPORTER') -%}
    {%- set loading = clientele.snowflake_name('WAREHOUSE', 'LOADING') -%}
    {%- set transforming = clientele.snowflake_name('WAREHOUSE', 'TRANSFORMING') -%}
    {%- set training = clientele.snowflake_name('WAREHOUSE', 'TRAINING') -%}
    {%- set reporting = clientele.snowflake_name('WAREHOUSE', 'REPORTING') -%}
    {%- set analytics = env_var('SNOWFLAKE_DATABASE', 'ANALYTICS') -%}
    {%- set raw, landing = env_var('RAW_DATABASE', 'RAW'), env_var('RAW_DATABASE', 'RAW') ~ '.' ~ env_var('RAW_SCHEMA', 'SHOP') -%}
    {%- set policy = clientele.masking_policy() -%}
-- Rendered by `dbt run-operation setup_snowflake`; a test keeps this copy equal. Run it as a user who may
-- take the roles USERADMIN, SECURITYADMIN and SYSADMIN. To run it again is harmless.

-- Who loads, who builds, who reads. SYSADMIN manages what they own.
use role USERADMIN;
create role if not exists {{ loader }} comment = 'Loads raw tables, and sees nothing else';
create role if not exists {{ transformer }} comment = 'Runs dbt: reads raw tables, owns what it builds';
create role if not exists {{ reporter }} comment = 'Reads the marts, personal data masked';

use role SECURITYADMIN;
{% for role in [loader, transformer, reporter] -%}
grant role {{ role }} to role SYSADMIN;
{% endfor %}
-- One warehouse per kind of work, so that each is sized and paid for by itself. All sleep after a minute.
use role SYSADMIN;
{% for warehouse, purpose in [(loading, 'COPY INTO'), (transforming, 'dbt'), (reporting, 'Dashboards')] -%}
create warehouse if not exists {{ warehouse }}
    warehouse_size = XSMALL auto_suspend = 60 auto_resume = true initially_suspended = true
    comment = '{{ purpose }}';
{% endfor -%}
-- For training on large samples (SNOWFLAKE_ML_WAREHOUSE = {{ training }}); costs nothing until it is named.
create warehouse if not exists {{ training }}
    warehouse_type = 'SNOWPARK-OPTIMIZED' warehouse_size = MEDIUM max_concurrency_level = 1
    auto_suspend = 60 auto_resume = true initially_suspended = true
    comment = 'Python models';
{% for warehouse, role in [(loading, loader), (transforming, transformer), (training, transformer), (reporting, reporter)] -%}
grant usage on warehouse {{ warehouse }} to role {{ role }};
{% endfor %}
-- Raw tables: the loader makes them, dbt reads them, the reporter never gets here.
create database if not exists {{ raw }};
create schema if not exists {{ landing }};
grant usage, create schema on database {{ raw }} to role {{ loader }};
grant usage, create table, create stage, create file format on schema {{ landing }} to role {{ loader }};
grant usage on database {{ raw }} to role {{ transformer }};
grant usage on schema {{ landing }} to role {{ transformer }};

use role SECURITYADMIN;
{% for kind in ['tables', 'views'] -%}
grant select on all {{ kind }} in schema {{ landing }} to role {{ transformer }};
grant select on future {{ kind }} in schema {{ landing }} to role {{ transformer }};
{% endfor %}
-- What dbt builds.
use role SYSADMIN;
create database if not exists {{ analytics }};
grant usage, create schema on database {{ analytics }} to role {{ transformer }};
grant usage on database {{ analytics }} to role {{ reporter }};
{% if policy %}
-- Personal data is masked for every role but the one that builds: who builds must see it, or it would
-- store masks. The policy belongs to SYSADMIN; dbt may set it on its tables and not change it.
-- (Needs Enterprise Edition.)
create schema if not exists {{ policy.rsplit('.', 1)[0] }};
create masking policy if not exists {{ policy }} as (value varchar) returns varchar ->
    case when value is null or is_role_in_session('{{ transformer }}') then value else '***' end;
alter masking policy {{ policy }} set body ->
    case when value is null or is_role_in_session('{{ transformer }}') then value else '***' end;
grant usage on schema {{ policy.rsplit('.', 1)[0] }} to role {{ transformer }};
grant apply on masking policy {{ policy }} to role {{ transformer }};
{% endif %}
-- The schemas of production, owned by who builds in them: dbt may make tables there, and in the one of the
-- Python models the stage of the modules that they import. The reporter enters those of the marts; what it may
-- select there dbt grants table by table, after masking: a future grant would come before it.
use role {{ transformer }};
create schema if not exists {{ analytics }}.raw;
{% for schema in clientele.production_schemas() -%}
create schema if not exists {{ analytics }}.{{ schema }};
{% endfor -%}
{% for schema in clientele.production_schemas(marts_only=true) -%}
grant usage on schema {{ analytics }}.{{ schema }} to role {{ reporter }};
{% endfor -%}
{% if monthly_credits %}
-- A limit to what all of it may cost in a month.
use role ACCOUNTADMIN;
create resource monitor if not exists CLIENTELE with credit_quota = {{ monthly_credits }}
    frequency = monthly start_timestamp = immediately
    triggers on 75 percent do notify on 100 percent do suspend;
alter resource monitor CLIENTELE set credit_quota = {{ monthly_credits }};
{% for warehouse in [loading, transforming, training, reporting] -%}
alter warehouse {{ warehouse }} set resource_monitor = CLIENTELE;
{% endfor -%}
{% endif -%}
{% endmacro %}
