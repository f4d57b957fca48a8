{# What SQL means on Snowflake depends on parameters of the session, which an account or a user may have set
   otherwise than a new account has them. The profile can set none, so they are set here: once in each
   thread, which keeps its session for the whole run. #}
{% macro set_session_parameters() %}
    {{- return(adapter.dispatch('set_session_parameters', 'clientele')()) -}}
{% endmacro %}

{# The profile sets what matters on DuckDB. #}
{% macro default__set_session_parameters() %}{% endmacro %}

{% macro snowflake__set_session_parameters() -%}
    {#- All threads of a run share the graph; nothing else of Jinja outlives a node. -#}
    {%- set threads = graph.setdefault('threads_with_parameters', []) -%}
    {%- if execute and thread_id not in threads -%}
        {%- do run_query("
            alter session set
            timezone = 'UTC'
            timestamp_type_mapping = 'TIMESTAMP_NTZ'
            date_input_format = 'AUTO'
            timestamp_input_format = 'AUTO'
            date_output_format = 'YYYY-MM-DD'
            timestamp_ntz_output_format = 'YYYY-MM-DD HH24:MI:SS.FF3'
            timestamp_tz_output_format = 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM'
            timestamp_ltz_output_format = 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM'
            week_start = 1
            quoted_identifiers_ignore_case = false
        ") -%}
        {%- do threads.append(thread_id) -%}
    {%- endif -%}
{%- endmacro %}
