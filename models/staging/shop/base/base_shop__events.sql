-- Grain: one row per raw record of an event, exact copies included, whether accepted or not.
with

source as (
    {{ raw_records('events') }}
),

cleaned as (
    select
        *,
        {{ clean_id('raw_event_id') }} as written_event_id,
        {{ clean_id('raw_customer_id') }} as written_customer_id,
        {{ clean_id('raw_session_id') }} as written_session_id,
        {{ written_time('raw_event_at', 'events') }} as written_event_at
    from source
),

typed as (
    select
        *,

        ---------- ids
        {{ known_id('written_event_id') }} as event_id,
        {{ known_id('written_customer_id', of_customer=true) }} as customer_id,
        {{ known_id('written_session_id') }} as session_id,

        ---------- strings
        {{ clean_label('raw_event_type') }} as event_type,

        ---------- timestamps
        {{ to_utc('raw_event_at', 'events', 'written_event_at') }} as event_at
    from cleaned
),

checked as (
    select
        *,
        case
            when landing_rule is not null then landing_rule
            when event_id is null then 'missing_event_id'
            when event_type is null then 'missing_event_type'
            when event_at is null then 'invalid_event_at'
            when event_at > {{ run_started() }} then 'future_date'
        end as faulty_rule,
        coalesce({{ local_date('event_at') }} >= {{ as_of_date() }}, false) as is_after
    from typed
),

superseded as (
    select
        *,
        case
            when faulty_rule is not null then faulty_rule
            when is_after then null
            when copy_number > 1 then 'exact_duplicate'
            when {{ newest_first(['event_id', 'is_after'], 'event_at', 'events') }} > 1
                then 'superseded'
        end as broken_rule
    from checked
),

base_shop__events as (
    select
        event_id,
        customer_id,
        session_id,
        event_type,
        event_at,
        {{ record_status('is_after') }} as record_status,
        copy_number,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('events') }} end as raw_record
    from superseded
)

select * from base_shop__events
