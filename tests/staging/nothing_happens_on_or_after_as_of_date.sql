-- Prevents: a leak. A figure as of a day, computed from something that happened on or after it.
-- Stock is a state, not an event: unless a past day is replayed its newest count holds.
with

moments as (
    select
        'orders' as entity,
        ordered_at as happened_at
    from {{ ref('stg_shop__orders') }}
    union all
    select
        'customers' as entity,
        cast(registration_date as timestamp) as happened_at
    from {{ ref('stg_shop__customers') }}
    union all
    select
        'returns' as entity,
        returned_at as happened_at
    from {{ ref('stg_shop__returns') }}
    union all
    select
        'events' as entity,
        event_at as happened_at
    from {{ ref('stg_shop__events') }}
)

select
    entity,
    happened_at
from moments
where happened_at >= {{ as_of_date() }}
