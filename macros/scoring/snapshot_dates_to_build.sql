{# The days of int_snapshot_dates that int_customer_snapshots lacks, or holds with another history: a
   list of ISO dates. On the first build, all of them; the day of the clock alone where there is
   nothing yet to ask (while compiling). #}
{% macro snapshot_dates_to_build() %}
    {%- set dates = ref('int_snapshot_dates') -%}
    {%- if not execute or not load_relation(dates) -%}
        {{- return(['1990-01-01']) -}}
    {%- endif -%}
    {%- set query -%}
        select cast(wanted.snapshot_date as varchar) as snapshot_date
        from {{ dates }} as wanted
        {% if is_incremental() -%}
        left join (
            select
                snapshot_date,
                max(history_fingerprint) as history_fingerprint
            from {{ this }}
            group by 1
        ) as built
            on
                wanted.snapshot_date = built.snapshot_date
                and wanted.history_fingerprint = built.history_fingerprint
        where built.snapshot_date is null
        {% endif -%}
        order by 1
    {%- endset -%}
    {{- return(clientele.query_column(query)) -}}
{% endmacro %}
