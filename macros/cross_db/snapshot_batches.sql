{# The days to build snapshots for, as lists of those that one select makes together.

   Arguments:
     dates (list of strings): the days, as ISO dates. #}
{% macro snapshot_batches(dates) %}
    {{- return(adapter.dispatch('snapshot_batches', 'clientele')(dates)) -}}
{% endmacro %}

{# One day at a time: a join of all days with all of history would hold both in memory. #}
{% macro duckdb__snapshot_batches(dates) %}
    {{- return(dates | batch(1) | list) -}}
{% endmacro %}

{# All at once: a statement has at most 1 MB of text there, and history is read once. #}
{% macro snowflake__snapshot_batches(dates) %}
    {{- return([dates]) -}}
{% endmacro %}
