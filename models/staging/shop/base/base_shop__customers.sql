-- Grain: one row per raw record of a customer, exact copies included, whether accepted or not.
with

source as (
    {{ raw_records('customers') }}
),

cleaned as (
    select
        *,
        {{ clean_id('raw_customer_id') }} as written_customer_id,
        {{ written_time('raw_registration_date', 'customers') }} as written_registration_date
    from source
),

typed as (
    select
        *,

        ---------- ids
        {{ known_id('written_customer_id', of_customer=true) }} as customer_id,

        ---------- strings
        {{ clean_text('raw_name') }} as customer_name,
        {{ clean_label('raw_email') }} as email,
        {{ clean_text('raw_city') }} as city,
        {{ clean_text('raw_country') }} as country,
        {{ clean_label('raw_loyalty_tier') }} as loyalty_tier,

        ---------- booleans
        {{ to_boolean('raw_accepts_marketing') }} as accepts_marketing,

        ---------- dates
        {{ local_date(to_utc('raw_registration_date', 'customers', 'written_registration_date')) }} as registration_date
    from cleaned
),

checked as (
    select
        *,
        case
            when landing_rule is not null then landing_rule
            when customer_id is null then 'missing_customer_id'
            when {{ is_unreadable('raw_registration_date', 'registration_date') }}
                then 'invalid_registration_date'
        end as faulty_rule,
        coalesce(registration_date >= {{ as_of_date() }}, false) as is_after
    from typed
),

ranked as (
    select
        *,
        {{ newest_first(['customer_id', 'is_after'], 'registration_date', 'customers') }}
            as rank_before_as_of_date,
        {{ newest_first(['customer_id'], 'registration_date', 'customers') }} as rank_overall
    from checked
),

held as (
    select
        *,
        rank_overall = 1 and copy_number = 1 and faulty_rule is null as is_newest,
        case
            when faulty_rule is not null then faulty_rule
            when is_after then null
            when copy_number > 1 then 'exact_duplicate'
            when rank_before_as_of_date > 1 then 'superseded'
        end as held_rule
    from ranked
),

joined as (
    select
        *,
        case
            when held_rule is null and not is_after then {{ person_id('held_rule is null and not is_after') }}
        end as person_id,
        {{ person_id('is_newest') }} as newest_person_id
    from held
),

judged as (
    select
        *,
        case when person_id <> customer_id then 'same_person' else held_rule end as broken_rule
    from joined
),

base_shop__customers as (
    select
        customer_id,
        person_id,
        customer_name,
        email,
        city,
        country,
        loyalty_tier,
        accepts_marketing,
        registration_date,
        is_newest and newest_person_id = customer_id as is_newest_record,
        {{ record_status('is_after') }} as record_status,
        copy_number,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('customers') }} end as raw_record
    from judged
)

select * from base_shop__customers
