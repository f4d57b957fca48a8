{# Adjusted Rand Index of two groupings of the same members, per snapshot date (Hubert and Arabie 1985):
   1 when they agree on every pair of members, about 0 when they agree no more than by chance. With a
   and b the sizes of the groups on either side and n those of their intersections, over N members:

     expected = sum C(a, 2) x sum C(b, 2) / C(N, 2)
     index    = (sum C(n, 2) - expected) / ((sum C(a, 2) + sum C(b, 2)) / 2 - expected)

   Two groupings that cannot differ (one group on both sides, or every member a group) have index 1.

   Arguments:
     members (string): relation or CTE with snapshot_date and both groupings, one row per member.
     left_group (string): column of the one grouping.
     right_group (string): column of the other. #}
{% macro adjusted_rand_index(members, left_group, right_group) -%}
    {%- set sides = {
        'all': [],
        'left': [left_group],
        'right': [right_group],
        'shared': [left_group, right_group],
    } -%}
    with

    group_sizes as (
        {%- for side, columns in sides.items() %}
        select
            snapshot_date,
            '{{ side }}' as side,
            count(*) as member_count
        from {{ members }}
        group by {{ (['snapshot_date'] + columns) | join(', ') }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    pair_counts as (
        select
            {% for side in sides -%}
            cast(sum(case when side = '{{ side }}' then member_count * (member_count - 1) / 2 end) as double) as {{ side }}_pairs,
            {% endfor -%}
            snapshot_date
        from group_sizes
        group by snapshot_date
    )

    select
        snapshot_date,
        cast(case
            when (left_pairs + right_pairs) / 2 = left_pairs * right_pairs / nullif(all_pairs, 0) then 1
            when all_pairs = 0 then 1
            else (shared_pairs - left_pairs * right_pairs / all_pairs)
                / ((left_pairs + right_pairs) / 2 - left_pairs * right_pairs / all_pairs)
        end as double) as adjusted_rand_index
    from pair_counts
{%- endmacro %}
