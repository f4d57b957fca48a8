{# The days of int_snapshot_dates that int_customer_snapshots lacks, or holds with another history: a
   list of ISO dates. The day of the clock alone where there is nothing yet to ask (while compiling).

   Arguments:
     is_built (boolean): whether int_customer_snapshots stands; otherwise it lacks all of them. #}
{% macro snapshot_dates_to_build(is_built) %}
    {%- set dates = ref('int_snapshot_dates') -%}
    {%- if not execute or not load_relation(dates) -%}
        {{- return(['1990-01-01']) -}}
    {%- endif -%}
    {%- set query -%}
        select cast(wanted.snapshot_date as varchar) as snapshot_date
        from {{ dates }} as wanted
        {% if is_built -%}
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

{# Post-hook of int_customer_snapshots: builds the days that its statement left, each in one of its own. #}
{% macro build_other_snapshots() %}
    {%- for date in clientele.snapshot_dates_to_build(true) %}
    delete from {{ this }} where snapshot_date = '{{ date }}';
    insert into {{ this }} by name
    with

    customer_days as (
        select * from {{ ref('int_customer_days') }}
    ),

    snapshot_dates as (
        select * from {{ ref('int_snapshot_dates') }}
    ),

    snapshots as (
        {{ clientele.customer_snapshot([date]) }}
    )

    select * from snapshots;
    {%- endfor %}
{% endmacro %}
