{# Query tags name the model and the run, so that ACCOUNT_USAGE.QUERY_HISTORY tells what each model costs.
   dbt-snowflake calls these around every model, seed, snapshot and test, in the session of their thread.
   Tests are many and small: theirs stays the profile's tag, and dbt's comment in each query names them. #}
{% macro snowflake__set_query_tag() -%}
    {%- do clientele.set_session_parameters() -%}
    {%- if model.resource_type not in ['test', 'unit_test'] -%}
        {%- set tag = tojson({
            'project': project_name,
            'target': target.name,
            'node': model.unique_id,
            'invocation_id': invocation_id,
        }, sort_keys=true) -%}
        {%- do run_query("alter session set query_tag = '" ~ tag ~ "'") -%}
    {%- endif -%}
    {{- return(none) -}}
{%- endmacro %}

{% macro snowflake__unset_query_tag(original_query_tag) -%}
    {%- if model.resource_type not in ['test', 'unit_test'] -%}
        {%- do run_query("alter session set query_tag = '" ~ target.query_tag ~ "'") -%}
    {%- endif -%}
{%- endmacro %}
