{# Begin a transaction in an operation, to be ended by `commit`. #}
{% macro begin_transaction() %}
    {{- return(adapter.dispatch('begin_transaction', 'clientele')()) -}}
{% endmacro %}

{# dbt-duckdb has begun one with the first look at what is built. #}
{% macro default__begin_transaction() %}{% endmacro %}

{# Each statement would be a transaction of its own. #}
{% macro snowflake__begin_transaction() %}
    {%- do run_query("begin") -%}
{% endmacro %}
