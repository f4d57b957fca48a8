-- Prevents: a welcome for a customer of eight orders, or more to buy for one who is leaving, when stages or the
-- seed customer_actions change.
select
    customer_id,
    lifecycle_stage,
    risk_band,
    frequency,
    action_code
from {{ ref('customer_360') }}
where
    (action_code in ('first_order', 'second_order') and frequency > 2)
    or (action_code in ('reward', 'cross_sell', 'raise_basket') and risk_band in ('high', 'medium'))
    or (action_code in ('win_back_personal', 'win_back_offer') and risk_band = 'low')
