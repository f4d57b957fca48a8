{# Query tags name the model and the run, so that ACCOUNT_USAGE.QUERY_HISTORY tells what each model
   costs; dbt-snowflake calls these around every model, seed, snapshot and test. #}
{% macro snowflake__set_query_tag() -%}
    {%- set tag = tojson({
        'project': project_name,
        'target': target.name,
        'node': model.unique_id,
        'invocation_id': invocation_id,
    }, sort_keys=true) -%}
    {%- do run_query("alter session set query_tag = '" ~ tag ~ "'") -%}
    {{- return(none) -}}
{%- endmacro %}

{% macro snowflake__unset_query_tag(original_query_tag) -%}
    {%- do run_query("alter session set query_tag = '" ~ target.query_tag ~ "'") -%}
{%- endmacro %}
