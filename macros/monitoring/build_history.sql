{# The table `build_history` as the builds before this one left it; none on a first build, and with
   --full-refresh, which forgets them. Not by ref: what compares with the last build runs before this one
   is appended. #}
{% macro last_build_history() %}
    {%- if not execute or flags.FULL_REFRESH -%} {{- return(none) -}} {%- endif -%}
    {%- set node = graph.nodes['model.clientele.build_history'] -%}
    {{- return(adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias)) -}}
{% endmacro %}

{# A build that failed is not what the next one is compared with: takes its rows back.

   Arguments:
     results (list): what the run's nodes ended in. #}
{% macro forget_failed_build(results) %}
    {%- set failed = results | selectattr('status', 'in', ['error', 'fail', 'runtime error']) | list -%}
    {%- set appended = results | selectattr('status', 'equalto', 'success')
        | selectattr('node.unique_id', 'equalto', 'model.clientele.build_history') | list -%}
    {%- if failed and appended -%}
        delete from {{ appended[0].node.relation_name }} where invocation_id = '{{ invocation_id }}'
    {%- endif -%}
{% endmacro %}
