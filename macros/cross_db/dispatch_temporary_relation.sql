{# Overrides dbt-duckdb's place for the new rows of an incremental model. A Python model's would stay in the
   file for good, one more with every build: DuckDB's adapter makes it a lasting table and takes it for a
   temporary one. Here it is a table beside its model that is dropped when its rows have been merged.

   Arguments:
     target_relation (relation): the incremental model.
     batch_id (string): batch of a microbatch model; none for others. #}
{% macro duckdb__dispatch_temporary_relation(target_relation, batch_id=none) %}
    {%- if model.language == 'python' -%}
        {{- return({'relation': make_intermediate_relation(target_relation), 'temporary': false}) -}}
    {%- endif -%}
    {{- return({'relation': make_temp_relation(target_relation), 'temporary': true}) -}}
{% endmacro %}
