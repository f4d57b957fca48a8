-- Prevents: a leak. A figure as of a day, computed from something that happened on or after it.
-- Stock and the masters are states, not events: unless a past day is replayed the newest count of stock holds.
with

moments as (
    select
        'orders' as entity,
        {{ local_date('ordered_at') }} as happened_on
    from {{ ref('stg_shop__orders') }}
    union all
    select
        'customers' as entity,
        registration_date as happened_on
    from {{ ref('stg_shop__customers') }}
    union all
    select
        'returns' as entity,
        {{ local_date('returned_at') }} as happened_on
    from {{ ref('stg_shop__returns') }}
    union all
    select
        'events' as entity,
        {{ local_date('event_at') }} as happened_on
    from {{ ref('stg_shop__events') }}
    union all
    select
        'campaign_contacts' as entity,
        {{ local_date('contacted_at') }} as happened_on
    from {{ ref('stg_shop__campaign_contacts') }}
)

select
    entity,
    happened_on
from moments
where happened_on >= {{ as_of_date() }}
