-- Grain: one row per raw record of a campaign's contact, exact copies included, whether accepted or not.
with

source as (
    {{ raw_records('campaign_contacts') }}
),

cleaned as (
    select
        *,
        {{ clean_id('raw_customer_id') }} as written_customer_id,
        {{ written_time('raw_contacted_at', 'campaign_contacts') }} as written_contacted_at
    from source
),

typed as (
    select
        *,

        ---------- ids
        {{ known_id('written_customer_id', of_customer=true) }} as customer_id,

        ---------- strings
        {{ clean_text('raw_campaign') }} as campaign,
        case
            when {{ clean_label('raw_group') }} in ('treatment', 'treated', 'contacted', 'exposed') then 'treatment'
            when {{ clean_label('raw_group') }} in ('control', 'holdout') then 'control'
        end as campaign_group,

        ---------- timestamps
        {{ to_utc('raw_contacted_at', 'campaign_contacts', 'written_contacted_at') }} as contacted_at
    from cleaned
),

checked as (
    select
        *,
        case
            when landing_rule is not null then landing_rule
            when customer_id is null then 'missing_customer_id'
            when campaign is null then 'missing_campaign'
            when campaign_group is null then 'unknown_group'
            when contacted_at is null then 'invalid_contacted_at'
            when contacted_at > {{ run_started() }} then 'future_date'
        end as faulty_rule,
        coalesce({{ local_date('contacted_at') }} >= {{ as_of_date() }}, false) as is_after
    from typed
),

judged as (
    select
        *,
        case
            when faulty_rule is not null then faulty_rule
            when is_after then null
            when
                row_number() over (
                    partition by customer_id, campaign, campaign_group, contacted_at, faulty_rule
                    order by copy_number, raw_customer_id, raw_campaign, raw_group, raw_contacted_at
                ) > 1
                then 'exact_duplicate'
        end as broken_rule
    from checked
),

base_shop__campaign_contacts as (
    select
        customer_id,
        campaign,
        campaign_group,
        contacted_at,
        {{ record_status('is_after') }} as record_status,
        copy_number,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('campaign_contacts') }} end as raw_record
    from judged
)

select * from base_shop__campaign_contacts
