-- Prevents: histories, prices and models of one shop under the marts of another. The ids of this build are
-- compared with those of the last one by the smallest of their hashes.
{%- set history = last_build_history() %}
with

this_build as (
    select
        entity,
        mapping_hash,
        id_sketch
    from {{ ref('build_facts') }}
    where id_sketch is not null
),

last_build as (
    {% if history -%}
    select
        entity,
        mapping_hash,
        id_sketch
    from (
        select
            entity,
            mapping_hash,
            id_sketch,
            row_number() over (partition by entity order by run_started_at desc, invocation_id desc) as build_age
        from {{ history }}
        where id_sketch is not null
    ) as builds
    where build_age = 1
    {%- else -%}
    select *
    from this_build
    where false
    {%- endif %}
),

places as (
    {% for place in range(200) -%}
    select {{ place }} as place
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- Hashes of 16 signs and a comma; of an order, 12 are its id's and 4 its day's.
{% for build in ['this_build', 'last_build'] -%}
{{ build }}_hashes as (
    select
        {{ build }}.entity,
        substr({{ build }}.id_sketch, 17 * places.place + 1, 12) as id_hash,
        substr({{ build }}.id_sketch, 17 * places.place + 13, 4) as day_hash
    from {{ build }}
    inner join places
        on length({{ build }}.id_sketch) > 17 * places.place
),

{% endfor -%}
-- Up to the smaller of the largest hashes, both sketches hold every id there is; a sketch that is not
-- full holds all.
limits as (
    select
        entity,
        min(largest_hash) as largest_hash
    from (
        {% for build in ['this_build', 'last_build'] -%}
        select
            entity,
            case when count(*) = 200 then max(id_hash) else 'z' end as largest_hash
        from {{ build }}_hashes
        group by 1
        {{ 'union all' if not loop.last }}
        {% endfor -%}
    ) as largest_hashes
    group by 1
),

compared as (
    select
        limits.entity,
        count(this_build_hashes.id_hash) as this_count,
        count(last_build_hashes.id_hash) as last_count,
        count(case when this_build_hashes.id_hash = last_build_hashes.id_hash then 1 end) as common_count,
        count(case when this_build_hashes.day_hash = last_build_hashes.day_hash then 1 end) as same_day_count
    from this_build_hashes
    full outer join last_build_hashes
        on
            this_build_hashes.entity = last_build_hashes.entity
            and this_build_hashes.id_hash = last_build_hashes.id_hash
    inner join limits
        on
            coalesce(this_build_hashes.entity, last_build_hashes.entity) = limits.entity
            and coalesce(this_build_hashes.id_hash, last_build_hashes.id_hash) <= limits.largest_hash
    group by 1
),

id_overlaps as (
    select
        max(case when entity = 'orders' then common_count else 0 end) as common_orders,
        max(case when entity = 'orders' then same_day_count else 0 end) as same_orders,
        -- The smaller set may lie within the larger one: an export that rolls, or a shop that grew.
        max(case when entity != 'orders' then cast(common_count as double) / least(this_count, last_count) end)
            as best_overlap,
        min(case when entity != 'orders' then cast(common_count as double) / least(this_count, last_count) end)
            as worst_overlap,
        -- Of products, if there are enough to tell.
        max(case
            when entity = 'products' and least(this_count, last_count) >= 3
                then cast(common_count as double) / least(this_count, last_count)
        end) as product_overlap
    from compared
    where this_count > 0 and last_count > 0
),

mappings as (
    select max(case when this_build.mapping_hash != last_build.mapping_hash then 1 else 0 end) = 1 as is_changed
    from this_build
    inner join last_build
        on this_build.entity = last_build.entity
),

judged as (
    select
        case
            -- Small numbers are ids in any shop, so an order must keep its day too.
            when id_overlaps.common_orders >= 5
                then cast(id_overlaps.same_orders as double) / id_overlaps.common_orders
            -- Without common orders, under the same mapping, the customers may be all new, but no shop changes
            -- all its products at once; customers that are numbers coincide with those of any shop.
            when mappings.is_changed then id_overlaps.worst_overlap
            else coalesce(id_overlaps.product_overlap, id_overlaps.best_overlap)
        end as overlap,
        id_overlaps.common_orders >= 5 as is_by_orders
    from id_overlaps
    cross join mappings
)

select
    'other_shop' as alarm,
    'orders' as entity,
    case
        when is_by_orders then 'share of orders that kept their day'
        else 'share of customers or products that the last build knew'
    end as detail,
    cast(null as bigint) as record_count,
    cast(null as decimal(18, 2)) as amount,
    overlap as share
from judged
where overlap < case when is_by_orders then 0.5 else {{ var('other_shop_overlap') }} end
