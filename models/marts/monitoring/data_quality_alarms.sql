-- Grain: one row per alarm, severity, raw table and detail. Nothing adds up: one row may raise several.
with

row_alarms as (
    select
        alarm,
        severity,
        entity,
        detail,
        record_count,
        amount,
        share
    from {{ ref('int_row_alarms') }}
),

sales_alarms as (
    select
        alarm,
        severity,
        entity,
        detail,
        record_count,
        amount,
        share
    from {{ ref('int_sales_alarms') }}
),

column_alarms as (
    select
        alarm,
        severity,
        entity,
        detail,
        record_count,
        amount,
        share
    from {{ ref('int_column_alarms') }}
),

contract_columns as (
    select
        entity,
        column_name
    from {{ ref('contract_columns') }}
    where not is_filled
),

builds as (
    select
        entity,
        raw_count,
        landed_columns,
        filled_columns,
        row_number() over (partition by entity order by run_started_at desc, invocation_id desc) as build_age
    from {{ ref('build_history') }}
),

compared as (
    select
        this_build.entity,
        this_build.raw_count,
        last_build.raw_count as last_raw_count,
        last_build.filled_columns as last_filled_columns,
        this_build.landed_columns is null and last_build.landed_columns is not null as is_gone
    from builds as this_build
    inner join builds as last_build
        on this_build.entity = last_build.entity
    where this_build.build_age = 1 and last_build.build_age = 2
),

shrunk_tables as (
    select
        case when is_gone then 'missing_table' else 'shrunk_table' end as alarm,
        'warn' as severity,
        entity,
        cast(raw_count as varchar) || ' rows, ' || cast(last_raw_count as varchar) || ' at the last build' as detail,
        greatest(last_raw_count - raw_count, 1) as record_count,
        cast(null as decimal(18, 2)) as amount,
        cast(last_raw_count - raw_count as double) / nullif(last_raw_count, 0) as share
    from compared
    where is_gone or raw_count < (1 - {{ var('shrunk_table_share') }}) * last_raw_count
),

missing_columns as (
    select
        'missing_column' as alarm,
        'warn' as severity,
        compared.entity,
        contract_columns.column_name as detail,
        compared.raw_count as record_count,
        cast(null as decimal(18, 2)) as amount,
        cast(null as double) as share
    from compared
    inner join contract_columns
        on
            compared.entity = contract_columns.entity
            and position(
                ', ' || contract_columns.column_name || ',' in ', ' || compared.last_filled_columns || ','
            ) > 0
    where not compared.is_gone and compared.raw_count > 0
),

raised as (
    select * from row_alarms
    union all
    select * from sales_alarms
    union all
    select * from column_alarms
    union all
    select * from shrunk_tables
    union all
    select * from missing_columns
),

alarm_types as (
    select
        alarm,
        severity,
        remedy
    from {{ ref('data_quality_alarm_types') }}
),

data_quality_alarms as (
    select
        raised.alarm,
        raised.severity,
        raised.entity,
        raised.detail,
        cast(raised.record_count as bigint) as record_count,
        cast(raised.amount as decimal(18, 2)) as amount,
        raised.share,
        replace(replace(alarm_types.remedy, '{entity}', raised.entity), '{detail}', raised.detail) as remedy
    from raised
    left join alarm_types
        on
            raised.alarm = alarm_types.alarm
            and raised.severity = alarm_types.severity
)

select * from data_quality_alarms
