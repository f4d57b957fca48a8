{# At the start of a run, put the modules that train (clientele/) where the Python models of the run import
   them from: on Snowflake the stage and folder that their config `imports` names. On DuckDB they are
   imported from the project itself (`module_paths` in profiles/profiles.yml). #}
{% macro stage_python_modules() %}
    {{- return(adapter.dispatch('stage_python_modules', 'clientele')()) -}}
{% endmacro %}

{% macro default__stage_python_modules() %}{% endmacro %}

{% macro snowflake__stage_python_modules() %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set folders = [] -%}
    {%- for id in selected_resources if id in graph.nodes and graph.nodes[id].language == 'python' -%}
        {%- for file in graph.nodes[id].config.imports -%}
            {%- do folders.append(file.rsplit('/', 1)[0]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- Absolute, or relative to where dbt was started, which is how the connector completes it. -#}
    {%- set modules = (invocation_args_dict.project_dir | string).replace('\\', '/') ~ '/clientele/*.py' -%}
    {%- for folder in folders | unique -%}
        {%- do run_query("create stage if not exists " ~ folder.split('/')[0][1:]) -%}
        {%- do run_query("put 'file://" ~ modules ~ "' " ~ folder ~ " auto_compress = false overwrite = true") -%}
    {%- endfor -%}
{% endmacro %}
